// #region run
import { type ExplainReport, run } from "@certbound/cli";
// #endregion

/** Explains whether an API accepts the token in a file together with the certificate in another file. */
export async function explainToken(tokenFile: string, certificateFile: string): Promise<object> {
  // #region run

  let output = "";
  const api = ["--issuer", "https://auth.example.com", "--audience", "https://api.example.com"];
  const exitCode = await run(["explain", "--json", "--token", tokenFile, "--cert", certificateFile, ...api], {
    stdin: process.stdin,
    stdout: { write: (text) => (output += text) },
    stderr: process.stderr,
    env: process.env,
  });
  const { answer } = JSON.parse(output) as ExplainReport; // { status: 200 } if exitCode is 0
  // #endregion
  return { exitCode, answer };
}
