/** Rejects an edit of a fork that changes nothing. */
import { invalidInput } from '../../../core/index.ts'
import type { Event } from '../../machine/machine-events.ts'
import type { ForkOptions } from './fork-options.ts'

/** The highest number of names that the error lists. */
const maxNames = 10

/**
 * @param used the results and answers that the fork has applied, as `result A` and `answer A#1?ask`
 * @param events the events of the fork, up to its event
 * @throws ValidationError with the steps or questions that the fork has at its event
 */
export function rejectUnused(
  source: { readonly run: string; readonly at: number },
  edit: NonNullable<ForkOptions['edit']>,
  used: ReadonlySet<string>,
  events: readonly Event[],
): void {
  const unused = (kind: string, values: object = {}) => Object.keys(values).filter((key) => !used.has(`${kind} ${key}`))
  const reject = (option: string, keys: readonly string[], what: string, known: readonly string[]) => {
    if (keys.length === 0) return
    const listed = known.length > maxNames ? [...known.slice(0, maxNames), `${known.length - maxNames} more`] : known
    throw invalidInput(
      `Forking run ${source.run} at ${source.at}`,
      `edit.${option} names ${keys.join(', ')}, but at event ${source.at} the run has ${
        listed.length === 0 ? `no ${what}s` : `only the ${what}s ${listed.join(', ')}`
      }. Name one of them, or fork at a later event, at which the ${what} exists`,
    )
  }
  const steps = events.flatMap((event) => (event.type === 'step.started' ? [`${event.step} of ${event.agent}`] : []))
  reject('results', unused('result', edit.results), 'step', [...new Set(steps)])
  const questions = events.flatMap((event) => (event.type === 'question.asked' ? [event.question] : []))
  reject('answers', unused('answer', edit.answers), 'question', [...new Set(questions)])
}
