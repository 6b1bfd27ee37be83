/**
 * Returns the text of a list to choose from that has no item: an empty list is known only once the server has answered.
 * @param none the text for a list that the server answered to be empty
 */
export function emptyListText(
  { isLoading, error }: { readonly isLoading: boolean; readonly error: Error | null },
  none: string,
): string {
  if (isLoading) return 'Loading'
  return error === null ? none : 'Unknown'
}
