/** Names of parameters, properties and variables that hold a sentence for the operator. */
const TEXTS = new Set(["detail", "reason", "problem", "expected"]);

/** Functions that do nothing but put such a sentence together. */
const WORDING = new Set(["bytesLookLike", "looksLike", "seen", "unexpected"]);

/**
 * Leaves out the sentences that are written for people, which no test may assert: the message of an error that is
 * created by `new`, what is given for a parameter, a property or a variable that is named as above, what `knownOptions`
 * calls the options in its message, the table `messages`, and the functions that are named above. Codes are no such
 * sentences: `AccessTokenError` takes its code first, which is mutated like everything else.
 *
 * @param {any} path
 */
function shouldIgnore(path) {
  const { node, parent, key, listKey } = path;
  if (node.type === "FunctionDeclaration" && WORDING.has(node.id.name)) return "the wording of a sentence";
  if (node.type === "ObjectExpression" && parent.type === "NewExpression" && holdsTextOnly(node)) {
    return "a sentence for people";
  }
  if (node.type !== "StringLiteral" && node.type !== "TemplateLiteral") return undefined;
  const isText =
    (parent.type === "VariableDeclarator" && TEXTS.has(parent.id.name)) ||
    (parent.type === "ObjectProperty" && key === "value" && (TEXTS.has(parent.key.name) || isInMessages(path))) ||
    (listKey === "arguments" && parent.type === "NewExpression" && isMessage(parent.callee.name)) ||
    (listKey === "arguments" && parent.type === "CallExpression" && TEXTS.has(parameterName(path, parent, key))) ||
    (listKey === "arguments" && key === 0 && parent.callee.name === "knownOptions");
  return isText ? "a sentence for people" : undefined;
}

/** @param {string} errorClass */
function isMessage(errorClass) {
  return /(?:Error|Failure)$/.test(errorClass) && errorClass !== "AccessTokenError";
}

/** @param {any} node an object literal */
function holdsTextOnly({ properties }) {
  return properties.length === 1 && TEXTS.has(properties[0].key?.name);
}

/** @param {any} path */
function isInMessages(path) {
  return path.parentPath.parentPath.parent.id?.name === "messages";
}

/**
 * The name of the parameter that an argument is given for, of a function of the same file.
 *
 * @param {any} path
 * @param {any} call
 * @param {number} index
 */
function parameterName(path, call, index) {
  const declaration = path.scope.getBinding(call.callee.name)?.path.node;
  return declaration?.type === "FunctionDeclaration" ? declaration.params[index]?.name : undefined;
}

/** In the form that Stryker asks. */
export const ignorer = { shouldIgnore };
