/**
 * Waits for a promise, and no longer than it may take; whatever comes of it afterwards is of no interest.
 *
 * The timer does not keep the process alive.
 *
 * @throws Error with the message when it has not settled in time
 */
export async function withinTime<Result>(
  promise: Promise<Result>,
  milliseconds: number,
  message: string,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(message)), milliseconds);
    timer.unref();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
