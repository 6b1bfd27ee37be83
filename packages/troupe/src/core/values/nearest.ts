/** The known name that is most like a wrong one, for errors that help. */

/** How many letters are missing, too many, wrong, or swapped with their neighbour: of short names, in O(a·b). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  let above = row
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
          isSwapped ? (above[j - 2] as number) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    above = row
    row = next
  }
  return row[b.length] as number
}

/**
 * Returns the known name from which a wrong one differs by a typing error: one letter, or how its words are joined. For
 * names that may be those of an application, where a merely similar one must be accepted.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const near = known.includes(name) ? undefined : nearest(name, known)
  if (near === undefined) return undefined
  const plain = (text: string) => text.replaceAll(/[-_\s]/g, '').toLowerCase()
  return plain(name) === plain(near) || distance(name.toLowerCase(), near.toLowerCase()) < 2 ? near : undefined
}

/** The highest number of names that a hint lists. */
const maxListed = 6

/**
 * Returns what a hint suggests instead of an unknown name: the nearest known name. If none is near, all names, or
 * the first of many with the page that has the others.
 * @param page of the documentation, if one lists all names
 */
export function nearestOf(name: string, known: readonly string[], page?: string): string {
  const near = nearest(name, known)
  if (near !== undefined) return near
  if (page === undefined || known.length <= maxListed) return `one of ${known.join(', ')}`
  return `one of ${known.slice(0, maxListed).join(', ')} or of the ${known.length - maxListed} others (see ${page})`
}

/** @returns undefined when nothing is near: more than half of the longer name differs */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly far: number } | undefined
  const wanted = name.slice(0, 100).toLowerCase()
  for (const candidate of known) {
    const longest = Math.max(wanted.length, candidate.length)
    // So many letters are missing at least.
    if (Math.abs(wanted.length - candidate.length) > longest / 2) continue
    const far = distance(wanted, candidate.slice(0, 100).toLowerCase())
    if (far <= longest / 2 && (!best || far < best.far)) best = { name: candidate, far }
  }
  return best?.name
}
