/** The fixed time at which tokens are issued and verified, in seconds. */
export const NOW: number = Math.floor(Date.now() / 1000);

/** The fixed clock of the issuers, in milliseconds. */
export const clock = (): number => NOW * 1000;
