// Express 4 comes without types. Those of Express 5 describe all that the tests use of it.
declare module "express4" {
  export { default } from "express";
}
