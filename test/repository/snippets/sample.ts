// #region part
import { argv } from "node:process";
// #endregion

export function sample(): number {
  // #region part
  const [name = ""] = argv;
  return name.length;
  // #endregion
}
