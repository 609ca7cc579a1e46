// A server without any check, for the times.

/** @type {import("../candidate.js").CreateHandlers} */
export const createHandlers = () => ({ required: (_request, _response, next) => next() });
