/** Creates the accounts of all tenants, in memory. Amounts are in cents. */
export function createAccounts() {
  const accounts = new Map([
    ["A-1", { number: "A-1", tenant: "acme", balance: 5_000_000 }],
    ["A-2", { number: "A-2", tenant: "acme", balance: 0 }],
    ["G-1", { number: "G-1", tenant: "globex", balance: 700_000 }],
  ]);
  return {
    find: (number) => accounts.get(number),
    ofTenant: (tenant) => [...accounts.values()].filter((account) => account.tenant === tenant),
    /** Returns false if an account does not exist, or if its balance is too low. */
    canPay: ({ from, to, amount }) => accounts.has(to) && accounts.get(from)?.balance >= amount,
    /** Makes a payment. Does not check whether it is possible. */
    pay: ({ from, to, amount }) => {
      accounts.get(from).balance -= amount;
      accounts.get(to).balance += amount;
    },
  };
}
