/** The accounts of all tenants, in memory; amounts are in cents. */
export function createAccounts() {
  const accounts = new Map([
    ["A-1", { number: "A-1", tenant: "acme", balance: 5_000_000 }],
    ["A-2", { number: "A-2", tenant: "acme", balance: 0 }],
    ["G-1", { number: "G-1", tenant: "globex", balance: 700_000 }],
  ]);
  return {
    find: (number) => accounts.get(number),
    ofTenant: (tenant) => [...accounts.values()].filter((account) => account.tenant === tenant),
    /** Gives false, and moves nothing, where an account does not exist or holds too little. */
    pay: ({ from, to, amount }) => {
      const [debtor, creditor] = [accounts.get(from), accounts.get(to)];
      if (debtor === undefined || creditor === undefined || debtor.balance < amount) return false;
      debtor.balance -= amount;
      creditor.balance += amount;
      return true;
    },
  };
}
