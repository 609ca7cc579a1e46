/** What passes between one API and the issuer. */
export class IssuerLink {
  /** How many requests the API made. */
  tried = 0;
  /** How many of them failed. */
  failures = 0;
  /** Whether the API has failed to fetch the keys since it last got them. */
  failing = false;
  /** How many key sets it got. */
  keySets = 0;
  /** How many keys the last one held; keys are only ever added. */
  keys = 0;
  /**
   * The index of the newest key whose tokens clients of this API have. They get it once the API has failed to fetch a key
   * set that holds it, so that the API cannot tell it from a key that does not exist, and knows that it cannot.
   */
  newestKey = 0;

  #issuer;

  /** @param {import("./issuer.mjs").Issuer} issuer */
  constructor(issuer) {
    this.#issuer = issuer;
  }

  /** @type {typeof globalThis.fetch} */
  fetch = async (...request) => {
    this.tried += 1;
    try {
      const response = await fetch(...request);
      /** @type {{ keys?: object[] }} */
      const { keys } = JSON.parse(await response.clone().text());
      if (keys !== undefined) {
        this.keySets += 1;
        this.keys = keys.length;
        this.failing = false;
      }
      return response;
    } catch (error) {
      this.failures += 1;
      this.failing = true;
      this.newestKey = this.#issuer.published - 1;
      throw error;
    }
  };
}
