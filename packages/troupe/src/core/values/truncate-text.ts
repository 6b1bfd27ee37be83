/**
 * Returns at most the first `maxLength` UTF-16 units of a text. A surrogate pair at the end is left out rather than cut in half,
 * because storage rejects half of a pair.
 */
export function truncateText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const last = text.charCodeAt(maxLength - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxLength - 1 : maxLength)
}
