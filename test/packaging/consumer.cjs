// A CommonJS application that prints the exports that require() returns, and whether import() returns the same.
const core = require("@certbound/core");
const express = require("@certbound/express");
const fastify = require("@certbound/fastify");

/** @type {Record<string, Record<string, unknown>>} */
const required = { core, express, fastify };

/** @param {string} name */
async function compare(name) {
  /** @type {Record<string, unknown>} */
  const imported = await import(`@certbound/${name}`);
  const names = Object.keys(imported).toSorted();
  return { names, same: names.every((member) => imported[member] === required[name]?.[member]) };
}

async function main() {
  const error = new core.AccessTokenError("ERR_TOKEN_EXPIRED");
  console.log(
    JSON.stringify({
      core: await compare("core"),
      express: await compare("express"),
      fastify: await compare("fastify"),
      oneErrorClass: [express, fastify].every(({ AccessTokenError }) => AccessTokenError === core.AccessTokenError),
      instance: error instanceof express.AccessTokenError && error instanceof fastify.AccessTokenError,
      plugin: typeof fastify.default,
    }),
  );
}

void main();
