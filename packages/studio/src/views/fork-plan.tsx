/** The parts of a run that a fork would share, pay, repeat and ask again, as the server reads it from the records of the run. */
import type { AnswerOf } from 'troupe/client'
import { count, priced } from '../format.ts'
import { Facts } from '../parts/facts.tsx'
import { Text } from '../parts/ui.tsx'
import { visible } from '../visible.ts'

export type Plan = AnswerOf<'runs.planFork'>

/** The effects that a fork may repeat only after a person has confirmed it. */
export const needsConfirmation = ({ repeated }: Plan): boolean =>
  repeated.some((effect) => effect.class === 'at-most-once')

const plural = (counted: number, one: string, more = `${one}s`) => `${count(counted)} ${counted === 1 ? one : more}`

/** More are counted. */
const maxListed = 8

export function ForkPlan({ plan: { sharedSteps, paid, repeated, asked } }: { readonly plan: Plan }) {
  return (
    <>
      <Facts
        facts={[
          ['Shared', `${plural(sharedSteps, 'step')}, neither executed nor paid again`],
          ['Paid', paidText(paid)],
          ['Repeated', <Items key="repeated" none="no effect" items={repeated.map(effectText)} />],
          ['Asked', <Items key="asked" none="no question" items={asked.map(questionText)} />],
        ]}
      />
      <Text as="p" size="small" color="gray" mb="2">
        This is what the run did after the event; a change can make the fork do something else. The fork reads the
        context as it is now.
      </Text>
    </>
  )
}

const paidText = ({ calls, tokens, cost, unpriced }: Plan['paid']): string =>
  calls === 0
    ? 'no model call'
    : `${plural(calls, 'model call')}, ${count(tokens)} tokens, ${priced(cost, unpriced > 0)}`

const effectText = ({ name, class: effectClass, step }: Plan['repeated'][number]): string =>
  `${visible(name)} of step ${step}, ${effectClass}`

const questionText = ({ agent, text }: Plan['asked'][number]): string => `${visible(agent)}: ${visible(text)}`

function Items({ none, items }: { readonly none: string; readonly items: readonly string[] }) {
  if (items.length === 0) return none
  const listed = items.slice(0, maxListed)
  return (
    <ul className="lines">
      {listed.map((text, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two calls may have the same text
        <li key={i}>{text}</li>
      ))}
      {items.length > listed.length && <li>and {count(items.length - listed.length)} more</li>}
    </ul>
  )
}
