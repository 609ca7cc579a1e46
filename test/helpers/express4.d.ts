// Express 4 has no types. The types of Express 5 describe everything that the tests use.
declare module "express4" {
  export { default } from "express";
}
