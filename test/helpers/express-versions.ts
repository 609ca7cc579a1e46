import express5 from "express";
import express4 from "express4";

/** The versions that the Express adapter supports: [name, module]. */
export const expressVersions: readonly (readonly [string, typeof express5])[] = [
  ["Express 5", express5],
  ["Express 4", express4],
];
