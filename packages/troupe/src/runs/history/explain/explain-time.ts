/** Explains the time of a run: its longest steps, and the time that it waited. */
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import type { PastRun } from '../past-run.ts'
import { stepsOf } from '../steps/steps-of.ts'
import { elapsedText } from './elapsed-text.ts'
import type { ExplanationLine } from './explanation-line.ts'

/** The highest number of sentences about steps. */
const maxSteps = 3

export function explainTime({ events }: PastRun, now: number): readonly ExplanationLine[] {
  const [first] = events
  const last = events.at(-1)
  if (!first || !last) return []
  const until = isEnd(last) ? last.at : Math.max(now, last.at)
  const took = until - first.at
  if (took <= 0) return []
  const steps = stepsOf(events, until)
  const longest = [...steps].sort((a, b) => b.workMs - a.workMs).filter(({ workMs }) => workMs > 0)
  const share = (ms: number) => `${elapsedText(ms)} (${Math.round((100 * ms) / took)} %)`
  const people = spans(events, until, 'question.asked', ['question.answered', 'question.expired', 'question.withdrawn'])
  const paused = spans(events, until, 'run.paused', ['run.resumed'])
  const delays = events.reduce((sum, event) => sum + delayOf(event), 0)
  return [
    {
      about: 'slow',
      text: `It took ${elapsedText(took)} in ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}.`,
    },
    ...longest.slice(0, maxSteps).map(({ step, agent, workMs, seq }) => ({
      about: 'slow' as const,
      text: `${agent} (${step}) worked for ${share(workMs)}.`,
      seq,
    })),
    ...(people > 0 ? [{ about: 'slow' as const, text: `It waited for people for ${share(people)}.` }] : []),
    ...(paused > 0 ? [{ about: 'slow' as const, text: `It was paused for ${share(paused)}.` }] : []),
    ...(delays > 0
      ? [{ about: 'slow' as const, text: `Retries were delayed by ${elapsedText(delays)} after failures.` }]
      : []),
  ]
}

const isEnd = ({ type }: NumberedEvent) => type === 'run.completed' || type === 'run.failed' || type === 'run.cancelled'

const delayOf = (event: NumberedEvent) =>
  event.type === 'timer.set' && (event.name.startsWith('retry:') || event.name.startsWith('run-retry:'))
    ? Math.max(0, event.due - event.at)
    : 0

/** Returns the time in ms during which at least one wait was open. */
function spans(
  events: readonly NumberedEvent[],
  until: number,
  opens: NumberedEvent['type'],
  closes: readonly NumberedEvent['type'][],
): number {
  let open = 0
  let since = 0
  let sum = 0
  for (const event of events) {
    if (event.type === opens && open++ === 0) since = event.at
    else if (closes.includes(event.type) && open > 0 && --open === 0) sum += event.at - since
  }
  return open > 0 ? sum + until - since : sum
}
