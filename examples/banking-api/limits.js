/**
 * Creates what adds up the payments from each account that were made without a strong login. It counts by account, so that a
 * large payment cannot be split among several, whatever client or user makes them.
 *
 * It is in memory, for one process. Several need a database that checks and books in one transaction.
 */
export function createLimits({ maxSum, maxPayments, windowMs, now }) {
  const bookings = new Map();
  const recent = (account) => (bookings.get(account) ?? []).filter(({ time }) => time > now() - windowMs);
  return {
    /** Books a payment and returns the booking, or undefined if it needs a strong login. Checks and books in one step. */
    book: (account, amount) => {
      const booked = recent(account);
      const sum = booked.reduce((total, each) => total + each.amount, amount);
      if (sum > maxSum || booked.length >= maxPayments) return undefined;
      const booking = { time: now(), amount };
      bookings.set(account, [...booked, booking]);
      return booking;
    },
    /** Takes back the booking of a payment that was not made. */
    cancel: (account, booking) =>
      bookings.set(
        account,
        recent(account).filter((each) => each !== booking),
      ),
  };
}
