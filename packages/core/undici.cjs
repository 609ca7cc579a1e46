// CommonJS, so that bundlers follow this require(): createRequire() of node:module does not work in a bundle. In a try block
// they also leave out a package that is not installed.

/** Loads undici, or returns the reason why it cannot be loaded. */
exports.loadUndici = () => {
  try {
    return { undici: require("undici"), cause: undefined };
  } catch (cause) {
    return { undici: undefined, cause };
  }
};
