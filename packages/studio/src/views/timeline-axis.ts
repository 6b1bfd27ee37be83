/** The axis of a timeline: where a time of the run stands. Long times in which nothing works are folded to a short piece. */
import type { Step } from '../run-state.ts'

/** In ms since 1970. */
interface Interval {
  readonly from: number
  readonly to: number
}

/** A piece of the axis, in shares of it. */
interface Piece {
  readonly start: number
  readonly size: number
}

export interface Fold extends Piece {
  /** In ms. */
  readonly lasted: number
}

export interface Axis {
  /** Returns the position of a time, from 0 to 1. */
  readonly at: (time: number) => number
  readonly folds: readonly Fold[]
  /** The places of some times, in ms since the beginning; folded times are not counted. */
  readonly ticks: readonly { readonly at: number; readonly elapsed: number }[]
}

/** A time without work is long from this share of all work on. */
const longShare = 0.1
/** The share of all work that a fold takes, unless there are many. */
const foldShare = 0.2
/** The share of all work that all folds take together. */
const allFoldsShare = 0.8
const ticks = [0, 0.25, 0.5, 0.75] as const
/** The width of the text of a tick. */
const tickSize = 0.2

/**
 * @param steps in the order of their beginnings
 * @param until the end of the axis, in ms since 1970
 * @param isFolded false for an axis of the wall clock
 */
export function axisOf(steps: readonly Step[], until: number, isFolded: boolean): Axis {
  const from = steps[0]?.began ?? until
  const span = Math.max(1, until - from)
  const gaps = isFolded ? gapsBetween(steps.flatMap(workOf(until)), until) : []
  const work = Math.max(1, span - sumOf(gaps))
  const long = gaps.filter((gap) => lengthOf(gap) > work * longShare)
  const foldSize = work * Math.min(foldShare, allFoldsShare / Math.max(1, long.length))
  // A run that works for half of its time is drawn as it was.
  const folded = sumOf(long) > work ? long.filter((gap) => lengthOf(gap) > foldSize) : []
  const size = span - sumOf(folded) + folded.length * foldSize
  const at = (time: number): number => {
    let position = Math.min(Math.max(time, from), until) - from
    for (const gap of folded) {
      if (time <= gap.from) break
      const passed = Math.min(time, gap.to) - gap.from
      position += passed * (foldSize / lengthOf(gap) - 1)
    }
    return Math.min(1, position / size)
  }
  const folds = folded.map((gap) => ({ start: at(gap.from), size: foldSize / size, lasted: lengthOf(gap) }))
  const elapsedAt = (position: number) =>
    folds.reduce((left, fold) => left - size * Math.min(fold.size, Math.max(0, position - fold.start)), position * size)
  return {
    at,
    folds,
    ticks: ticks
      .filter((tick) => !folds.some(({ start, size: wide }) => tick < start + wide && start < tick + tickSize))
      .map((tick) => ({ at: tick, elapsed: elapsedAt(tick) })),
  }
}

/**
 * Returns the time in ms in which no step worked, from the beginning of the first step on: the run waited for a person, for the
 * outcome of an effect, or for its next attempt, or it was paused.
 */
export const waitedMsOf = (steps: readonly Step[], until: number): number =>
  sumOf(gapsBetween(steps.flatMap(workOf(until)), until))

const lengthOf = ({ from, to }: Interval) => to - from
const sumOf = (intervals: readonly Interval[]) => intervals.reduce((sum, one) => sum + lengthOf(one), 0)

/** The times in which a step works: it waits for a person or a child run in between. */
const workOf =
  (until: number) =>
  ({ began, ended = until, waits }: Step): readonly Interval[] => {
    const work: Interval[] = []
    let from = began
    for (const wait of waits) {
      work.push({ from, to: wait.from })
      from = wait.to ?? ended
    }
    return [...work, { from, to: ended }]
  }

/** The times between the first beginning and the end that no interval covers. */
function gapsBetween(intervals: readonly Interval[], until: number): readonly Interval[] {
  const gaps: Interval[] = []
  let covered: number | undefined
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    if (covered !== undefined && from > covered) gaps.push({ from: covered, to: from })
    covered = Math.max(covered ?? to, to)
  }
  if (covered !== undefined && until > covered) gaps.push({ from: covered, to: until })
  return gaps
}
