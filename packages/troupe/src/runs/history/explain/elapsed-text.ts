/** Returns a time as people read it, in the two largest units: `280 ms`, `17.5 s`, `4 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export function elapsedText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const tenths = Math.round(ms / 100)
  if (tenths < 600) return `${tenths / 10} s`
  const seconds = Math.round(ms / 1_000)
  const [large, small, unit] =
    seconds < 3_600
      ? [`${Math.floor(seconds / 60)} min`, seconds % 60, 's']
      : seconds < 86_400
        ? [`${Math.floor(seconds / 3_600)} h`, Math.floor(seconds / 60) % 60, 'min']
        : [`${Math.floor(seconds / 86_400)} d`, Math.floor(seconds / 3_600) % 24, 'h']
  return small === 0 ? large : `${large} ${small} ${unit}`
}
