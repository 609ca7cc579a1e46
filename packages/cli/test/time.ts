/** The time at which tokens are issued and judged, in seconds: it stands still, however long the tests take. */
export const NOW: number = Math.floor(Date.now() / 1000);

/** The same for issuers, in milliseconds. */
export const clock = (): number => NOW * 1000;
