export function sample(): number {
  // #region part
  /* The end of this comment would end a doc comment, too. */
  return 0;
  // #endregion
}
