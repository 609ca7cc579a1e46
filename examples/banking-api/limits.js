/**
 * Creates the limits of payments without a strong login. They are counted per account, so a large payment cannot be split
 * into several, even by different clients or users.
 *
 * The state is in memory, for one process. Several processes need a database that checks and books in one transaction.
 */
export function createLimits({ maxSum, maxPayments, windowMs, now }) {
  const bookings = new Map();
  const recent = (account) => (bookings.get(account) ?? []).filter(({ time }) => time > now() - windowMs);
  return {
    /** Checks and books a payment in one step. Returns the booking, or undefined if the payment needs a strong login. */
    book: (account, amount) => {
      const booked = recent(account);
      const sum = booked.reduce((total, each) => total + each.amount, amount);
      if (sum > maxSum || booked.length >= maxPayments) return undefined;
      const booking = { time: now(), amount };
      bookings.set(account, [...booked, booking]);
      return booking;
    },
    /** Removes the booking of a payment that was not made. */
    cancel: (account, booking) =>
      bookings.set(
        account,
        recent(account).filter((each) => each !== booking),
      ),
  };
}
