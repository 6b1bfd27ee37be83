/** The usage of a run, its commands, its requests, and its end. */
import { Link } from '@tanstack/react-router'
import { type ComponentProps, Fragment, type ReactNode, useEffect, useMemo, useRef } from 'react'
import { agentsOf, isActive, type Result } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { count, lasting, money } from '../format.ts'
import { Age } from '../parts/age.tsx'
import { Ask } from '../parts/ask.tsx'
import { CopyButton } from '../parts/copy-link.tsx'
import { Elapsed } from '../parts/elapsed.tsx'
import { Response } from '../parts/response.tsx'
import { Section } from '../parts/section.tsx'
import { LabelLine } from '../parts/sources.tsx'
import { Flex, Notice, Text } from '../parts/ui.tsx'
import { Uncertain } from '../parts/uncertain.tsx'
import { WithCode } from '../parts/with-code.tsx'
import { runRoute } from '../routes.ts'
import { isOver, type RunState } from '../run-state.ts'
import { visible } from '../visible.ts'
import { waitedMsOf } from './timeline-axis.ts'

interface OverviewProps {
  readonly id: string
  readonly result: Result
  readonly state: RunState
  /** ms since 1970 of its first and of its last event. */
  readonly startedAt: number | undefined
  readonly lastAt: number | undefined
  readonly answered: () => void
}

/** Returns the usage of the steps that ended or wait: the result of a run in progress has its status alone. */
function usageSoFar({ steps }: RunState) {
  const sum = { tokens: 0, cost: 0, shared: { tokens: 0, cost: 0 } }
  for (const { tokens, cost, shared } of steps.values()) {
    sum.tokens += tokens
    sum.cost += cost
    sum.shared.tokens += shared.tokens
    sum.shared.cost += shared.cost
  }
  return sum
}

/** Returns what the steps that a retry or fork shares have used. The usage of the run contains it; it was paid once, in the source. */
const sharedText = ({ shared: { tokens, cost } }: ReturnType<typeof usageSoFar>): string | false =>
  tokens > 0 && `of these ${count(tokens)} tokens${cost > leastCost ? ` and ${money(cost)}` : ''} paid in the source`

/** In US dollars: a smaller difference of sums is an error of rounding. */
const leastCost = 1e-9

export function Overview(props: OverviewProps) {
  const { id, result, state, answered } = props
  const { response, questions = [], error, guard, taint } = result
  return (
    <>
      <Used {...props} />
      <LabelLine taint={taint} />
      {questions.map((question) => (
        <LinkedAsk key={question.id} run={id} question={question} answered={answered} />
      ))}
      {(result.reason === 'uncertain' || result.uncertain) && (
        <Uncertain run={id} isOver={!isActive(result)} onResolved={answered} />
      )}
      {error && (
        <Notice color="red" mb="3">
          <p className="bold">{visible(error.message)}</p>
          <FailedSteps run={id} state={state} />
          <LatestRetry run={id} />
          <p className="aside">
            {error.hint !== undefined && <WithCode text={error.hint} />}{' '}
            <code className="break">{visible([error.code, error.errorId].filter(Boolean).join(' · '))}</code>
          </p>
        </Notice>
      )}
      {guard && (
        <Text as="p" mb="3">
          The guard {guard.name} ended it: {count(guard.used)} of {count(guard.limit)}.
        </Text>
      )}
      {response !== undefined && response !== null && (
        <Response value={response} isPartial={result.status !== 'completed'} />
      )}
      {result.status === 'completed' && <OnlineScores run={id} />}
    </>
  )
}

const maxFailed = 3

/** Leads from the error of a run to the steps that failed. Of a branch that tried again, it is the last step. */
function FailedSteps({ run, state }: { readonly run: string; readonly state: RunState }) {
  const last = new Map([...state.steps.values()].map((step) => [step.branch, step]))
  const failed = [...last.values()].filter((step) => step.state === 'failed')
  if (failed.length === 0) return null
  return (
    <p>
      Failed:{' '}
      {failed.slice(0, maxFailed).map(({ id, agent }, i) => (
        <Fragment key={id}>
          {i > 0 && ', '}
          <Link to="/runs/$run" params={{ run }} search={{ tab: 'steps', step: id }}>
            {visible(agent)} in step {id}
          </Link>
        </Fragment>
      ))}
      {failed.length > maxFailed && (
        <>
          {' and '}
          <Link to="/runs/$run" params={{ run }} search={{ tab: 'steps', state: 'failed' }}>
            {count(failed.length - maxFailed)} more
          </Link>
        </>
      )}
    </p>
  )
}

/** Says that a failed run was retried, so that a second person does not retry it too. */
function LatestRetry({ run }: { readonly run: string }) {
  const { data } = useAnswer('runs.list', { query: { tags: `retry:${run}`, limit: 1 } })
  const [latest] = data?.items ?? []
  if (latest === undefined) return null
  return (
    <p>
      Retried as{' '}
      <Link to="/runs/$run" params={{ run: latest.id }}>
        {visible(latest.id)}
      </Link>
      : {latest.status}.
    </p>
  )
}

const maxNames = 4

/** The name of its team, or those of its agents. */
function teamText(team: string | undefined, { topology }: RunState): string {
  const agents = agentsOf(topology)
  if (team === undefined) return visible(agents.slice(0, maxNames).join(', '))
  return `${agents.length === 1 && agents[0] === team ? 'agent' : 'team'} ${visible(team)}`
}

/** The run of which this one is a retry or a fork, as its tag names it. */
function sourceOf(tags: readonly string[] = []): ReactNode {
  const tag = tags.find((one) => /^(retry|fork):/.test(one))
  if (tag === undefined) return undefined
  const end = tag.indexOf(':')
  const source = tag.slice(end + 1)
  return (
    <>
      {tag.slice(0, end)} of{' '}
      <Link to="/runs/$run" params={{ run: source }} className="break">
        {visible(source)}
      </Link>
    </>
  )
}

/** A shorter wait is the time between two commits. */
const shortestWaitMs = 1_000

/** Its team, when it started, and what it has used. */
function Used({ id, result, state, startedAt, lastAt }: OverviewProps) {
  const { status } = result
  const times = useMemo(
    () => (startedAt === undefined || lastAt === undefined ? [] : timesOf(status, state, { startedAt, lastAt })),
    [status, state, startedAt, lastAt],
  )
  const { data } = useAnswer('runs.get', { path: { run: id } })
  const { totalSteps, usage, cost } = result
  const stepCount = totalSteps ?? state.steps.size
  const ofSteps = useMemo(() => usageSoFar(state), [state])
  const soFar = usage && cost ? undefined : ofSteps
  const source = sourceOf(data?.tags)
  const facts: readonly ReactNode[] = [
    source,
    teamText(data?.team, state),
    startedAt !== undefined && (
      <>
        started <Age of={new Date(startedAt).toISOString()} /> ago
      </>
    ),
    `${count(stepCount)} ${stepCount === 1 ? 'step' : 'steps'}`,
    usage && `${count(usage.inputTokens)} tokens in, ${count(usage.outputTokens)} out`,
    cost && `${money(cost.usd)}${cost.unknown.length > 0 ? ` and what ${cost.unknown.join(', ')} cost` : ''}`,
    soFar && `${count(soFar.tokens)} tokens so far`,
    // Zero may be the cost of a model whose price is unknown.
    soFar && soFar.cost > 0 && money(soFar.cost),
    source !== undefined && sharedText(ofSteps),
    ...times,
  ]
  return (
    <Flex className="run-facts" align="center" gap="2" wrap="wrap" mb="3">
      <Text as="p" color="gray" className="break">
        {facts.filter(Boolean).map((fact, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the order of the facts never changes
          <Fragment key={i}>
            {i > 0 && ' · '}
            {fact}
          </Fragment>
        ))}
      </Text>
      <code className="run-id break">{id}</code>
      <CopyButton label="Copy id" of="of the run" keys="c" text={() => id} />
    </Flex>
  )
}

/** How long the run worked and waited, as the timeline draws it; nothing while it executes. */
function timesOf(
  status: Result['status'],
  state: RunState,
  { startedAt, lastAt }: { readonly startedAt: number; readonly lastAt: number },
): readonly ReactNode[] {
  const hasEnded = isOver(state)
  if (!hasEnded && status !== 'waiting') return []
  const waitedMs = waitedMsOf([...state.steps.values()], lastAt)
  const workedMs = lastAt - startedAt - waitedMs
  const worked = `worked ${lasting(workedMs)}`
  if (hasEnded) return [worked, waitedMs >= shortestWaitMs && `waited ${lasting(waitedMs)}`]
  return [
    worked,
    <Fragment key="waited">
      waited <Elapsed since={startedAt + workedMs} />
    </Fragment>,
  ]
}

/** A question with its address, which brings it into view. */
function LinkedAsk(props: ComponentProps<typeof Ask> & { readonly run: string }) {
  const { id } = props.question
  const { question: opened } = runRoute.useSearch()
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (opened === id) box.current?.focus()
  }, [opened, id])
  return (
    <div ref={box} tabIndex={-1}>
      <Ask
        {...props}
        beside={<CopyButton label="Copy link" of={`to the question ${id}`} text={() => addressOf(props.run, id)} />}
      />
    </div>
  )
}

const addressOf = (run: string, question: string): string =>
  `${location.href.split('#')[0]}#/runs/${encodeURIComponent(run)}?${new URLSearchParams({ question })}`

/** Shown for runs that were sampled for online scoring. */
function OnlineScores({ run }: { readonly run: string }) {
  const { data } = useAnswer('runs.scores', { path: { run } })
  const scores = Object.entries(data?.scores ?? {})
  if (scores.length === 0) return null
  return (
    <Section title="Scores">
      <dl className="scores">
        {scores.map(([scorer, { score, choice, reason }]) => (
          <div key={scorer}>
            <dt className="break">{visible(scorer)}</dt>
            <dd className="break">
              {score.toFixed(2)} {visible(reason ?? choice ?? '')}
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  )
}
