/** The questions, approvals and uncertain effects that wait for a person, each answered where it is shown. */
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Approval, Question, UncertainEffect } from '../api/shapes.ts'
import { useAnswer, useForget } from '../api/use-api.tsx'
import { spent, tokens } from '../format.ts'
import { Age } from '../parts/age.tsx'
import { Nothing } from '../parts/answer.tsx'
import { Ask } from '../parts/ask.tsx'
import { Section } from '../parts/section.tsx'
import { Button, Text } from '../parts/ui.tsx'
import { ResolveEffect } from '../parts/uncertain.tsx'
import { visible } from '../visible.ts'

export const openRequests = { query: { limit: 100 } } as const

interface Request {
  readonly id: string
  readonly of: Approval
  readonly question?: Question
  readonly effect?: UncertainEffect
}

const requestsOf = (of: Approval): readonly Request[] => [
  ...of.questions.map((question) => ({ id: `${of.run} ${question.id}`, of, question })),
  ...of.uncertain.map((effect) => ({ id: `${of.run} ${effect.step} ${effect.call}`, of, effect })),
]

export function OpenRequests() {
  const { data } = useAnswer('approvals.list', openRequests)
  const forget = useForget()
  const { shown, added, showAll } = useStableOrder(data?.items ?? [])
  const answered = () => forget('approvals.list', {})
  const more = added > 0 && (
    <Button small look="soft" onClick={showAll}>
      Show {added} new
    </Button>
  )
  return (
    <Section title="Waiting for a person" beside={more}>
      {data?.cursor !== undefined && (
        <Text as="p" color="gray">
          More than {openRequests.query.limit} runs wait; these are the newest.
        </Text>
      )}
      <ul className="plain requests">
        {shown.length === 0 && (
          <li>
            <Nothing>No run waits for a person. A question, an approval or an uncertain effect appears here.</Nothing>
          </li>
        )}
        {shown.map(({ id, of, question, effect }) => (
          <li key={id}>
            <Text as="p" mb="2" className="break">
              <Link to="/runs/$run" params={{ run: of.run }}>
                {visible(of.title) || of.run}
              </Link>{' '}
              <Text color="gray">
                {aboutRun(of)}
                <Age of={of.createdAt} /> old
              </Text>
            </Text>
            {question && <Ask run={of.run} question={question} answered={answered} />}
            {effect && <ResolveEffect run={of.run} isOver={false} effect={effect} onResolved={answered} />}
          </li>
        ))}
      </ul>
    </Section>
  )
}

const aboutRun = ({ team, usage, cost }: Approval): string =>
  [team, usage && `${tokens(usage)} tokens`, spent(cost)]
    .filter(Boolean)
    .map((text) => `${text}, `)
    .join('')

/**
 * Shows the oldest run first. A request that arrives while others are shown waits behind a button: it moves no request
 * that a person reads, and no other gets under the pointer.
 */
function useStableOrder(runs: readonly Approval[]) {
  const [order, setOrder] = useState<readonly string[]>([])
  const open = runs.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt)).flatMap(requestsOf)
  const byId = new Map(open.map((request) => [request.id, request]))
  const shown = order.flatMap((id) => byId.get(id) ?? [])
  const added = open.filter(({ id }) => !order.includes(id))
  const showAll = () => setOrder([...shown, ...added].map(({ id }) => id))
  if (shown.length === 0 && added.length > 0) showAll()
  return { shown, added: added.length, showAll }
}
