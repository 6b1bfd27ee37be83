import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type ComponentProps, useDeferredValue, useEffect, useMemo, useRef } from 'react'
import { isProblem, type Problem } from '../api/is-problem.ts'
import type { Result, RunEvent } from '../api/shapes.ts'
import { useAnswer, useForget, useForgetSoon } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, inShort, lasting, money } from '../format.ts'
import { Answer, ErrorNotice, Loading, Nothing } from '../parts/answer.tsx'
import { Ask } from '../parts/ask.tsx'
import { CopyButton } from '../parts/copy-link.tsx'
import { Graph } from '../parts/graph.tsx'
import { Response } from '../parts/response.tsx'
import { Section } from '../parts/section.tsx'
import { LabelLine } from '../parts/sources.tsx'
import { Status } from '../parts/status.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { Flex, Heading, Notice, Text } from '../parts/ui.tsx'
import { Uncertain } from '../parts/uncertain.tsx'
import { useRun } from '../parts/use-run.ts'
import { Value } from '../parts/value.tsx'
import { type RunSearch, type RunTab, runRoute, runTabs } from '../routes.ts'
import { isOver, type RunState, statesOfNodes } from '../run-state.ts'
import { visible } from '../visible.ts'
import { EventList } from './event-list.tsx'
import { RunCommandRow } from './run-command-row.tsx'
import { RunCompare } from './run-compare.tsx'
import { RunDebugger } from './run-debugger.tsx'
import { RunTime } from './run-time.tsx'
import { Timeline } from './timeline.tsx'
import './run.css'

export function RunView() {
  const { run: id } = runRoute.useParams()
  const { state, connection, events } = useRun(id)
  const search = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const openFork = () =>
    void navigate({ search: { ...search, tab: 'time', at: forkPoint(search, events), fork: true } })
  const path = { run: id }
  const result: UseQueryResult<Result, Error> = useAnswer('runs.result', { path })
  const forget = useForget()
  const forgetSoon = useForgetSoon()
  const { seq } = state
  const nodeStates = useMemo(() => statesOfNodes(state), [state])
  // biome-ignore lint/correctness/useExhaustiveDependencies: each event may change how it stands
  useEffect(() => forgetSoon('runs.result', { path }), [seq, id])
  // Steps under way come to their end first.
  const title = state.task === undefined ? '' : inShort(state.task, 90)
  const isPausing = result.data?.status === 'running' && state.status === 'paused'
  if (isProblem(result.error) && result.error.code === 'run.unknown') return <UnknownRun error={result.error} />
  return (
    <>
      <Text as="p" mb="1">
        <Link to="/runs">Runs</Link> · <code className="break">{id}</code>{' '}
        <CopyButton label="Copy id" of="of the run" keys="c" text={() => id} />
      </Text>
      <Flex align="center" gap="3" mb="3" wrap="wrap">
        <Heading as="h1" className="break">
          {title || id}
        </Heading>
        <span role="status" aria-label="Status of the run">
          <Status
            status={result.data?.status ?? state.status}
            reason={isPausing ? 'pausing, when its steps have ended' : result.data?.reason}
          />
        </span>
        {connection === 'lost' && <Status status="waiting" reason="connection lost, trying again" />}
      </Flex>
      <Answer of={result}>
        {(found) => (
          <Overview
            id={id}
            result={found}
            state={state}
            isPausing={isPausing}
            answered={() => forget('runs.result', { path })}
            openFork={isOver(state) ? openFork : undefined}
          />
        )}
      </Answer>
      {state.task !== undefined && (
        <Section title="Task">
          <Value value={state.task} label="Task of the team" />
        </Section>
      )}
      {state.topology && (
        <Section title="Team">
          <Graph topology={state.topology} states={nodeStates} edgeUses={state.edgeUses} />
        </Section>
      )}
      <Parts run={id} state={state} events={events} result={result.data} />
    </>
  )
}

/** The event that is shown; else the start of the step that is opened, or of the last step, which the fork executes again. */
function forkPoint({ tab, at, event, step }: RunSearch, events: readonly RunEvent[]): number {
  const shown = tab === 'time' ? at : tab === 'events' ? event : undefined
  const starts = events.filter(({ type }) => type === 'step.started')
  return shown ?? (starts.find((one) => one.step === step) ?? starts.at(-1))?.seq ?? 1
}

interface PartsProps {
  readonly run: string
  readonly state: RunState
  readonly events: readonly RunEvent[]
  readonly result: Result | undefined
}

const tabNames: Readonly<Record<RunTab, string>> = {
  steps: 'Steps',
  events: 'Events',
  why: 'Why',
  time: 'Time',
  debug: 'Debug',
  compare: 'Compare',
}

const tabKeys: Partial<Record<RunTab, string>> = { steps: 't', events: 'e', why: 'w' }

/** The parts of the run below its overview; the address names the one that is shown. */
function Parts({ run, state, events, result }: PartsProps) {
  const isAtBreakpoint = result?.reason === 'breakpoint'
  const may = useMay()
  const canDebug = isActive(result) && may('runs.setBreakpoints')
  const { tab = isAtBreakpoint && canDebug ? 'debug' : 'steps', at = 1 } = runRoute.useSearch()
  const tabs = runTabs.filter((one) => one !== 'debug' || canDebug || tab === 'debug')
  // The tab changes at once; its part is rendered in slices.
  const shown = useDeferredValue(tab)
  const { length } = events
  // The event that the address names may come with a later part of the stream.
  const hasArrived = length > 0 && (state.seq >= at || isOver(state))
  return (
    <>
      <Tabs
        label="Parts of the run"
        current={tab}
        tabs={tabs.map((one) => ({
          tab: one,
          name: tabNames[one],
          ...(tabKeys[one] === undefined ? {} : { keys: tabKeys[one] }),
          ...(one === 'events' ? { count: length } : one === 'steps' ? { count: state.steps.size } : {}),
        }))}
      />
      <section aria-label={tabNames[shown]}>
        {shown === 'steps' && <Timeline run={run} state={state} />}
        {shown === 'events' && <EventList events={events} length={length} />}
        {shown === 'why' && <RunWhy run={run} seq={state.seq} />}
        {shown === 'time' && (hasArrived ? <RunTime run={run} events={events} length={length} /> : <Loading />)}
        {shown === 'debug' &&
          (canDebug ? (
            <RunDebugger run={run} state={state} isAtBreakpoint={isAtBreakpoint} />
          ) : (
            <Nothing>Breakpoints can be set while the run is active, by a role that may set them.</Nothing>
          ))}
        {shown === 'compare' && <RunCompare run={run} state={state} events={events} />}
      </section>
    </>
  )
}

/** Why the run is in its state, asked again after each of its events. */
function RunWhy({ run, seq }: { readonly run: string; readonly seq: number }) {
  const why = useAnswer('runs.why', { path: { run } })
  const forgetSoon = useForgetSoon()
  // biome-ignore lint/correctness/useExhaustiveDependencies: each event may change the explanation
  useEffect(() => forgetSoon('runs.why', { path: { run } }), [seq, run])
  return (
    <Answer of={why}>
      {({ sentences }) => (
        <ul className="plain" aria-live="polite">
          {sentences.map(({ text }) => (
            <li key={text} className="break">
              {visible(text)}
            </li>
          ))}
        </ul>
      )}
    </Answer>
  )
}

function UnknownRun({ error }: { readonly error: Problem }) {
  return (
    <>
      <Text as="p" mb="1">
        <Link to="/runs">Runs</Link>
      </Text>
      <Heading as="h1">Unknown run</Heading>
      <ErrorNotice error={error} />
    </>
  )
}

interface OverviewProps {
  readonly id: string
  readonly result: Result
  readonly state: RunState
  readonly isPausing: boolean
  readonly answered: () => void
  readonly openFork: (() => void) | undefined
}

/** The result of a run in progress has its status alone; its events have the usage of the steps that ended or wait. */
function usageSoFar({ steps }: RunState) {
  const sum = { tokens: 0, cost: 0 }
  for (const { tokens, cost } of steps.values()) {
    sum.tokens += tokens
    sum.cost += cost
  }
  return sum
}

function Overview({ id, result, state, isPausing, answered, openFork }: OverviewProps) {
  const { response, questions = [], error, guard, totalSteps, usage, cost, durationMs, taint } = result
  const stepCount = totalSteps ?? state.steps.size
  const soFar = usage && cost ? undefined : usageSoFar(state)
  const facts = [
    `${count(stepCount)} ${stepCount === 1 ? 'step' : 'steps'}`,
    usage && `${count(usage.inputTokens)} tokens in, ${count(usage.outputTokens)} out`,
    cost && `${money(cost.usd)}${cost.unknown.length > 0 ? ` and what ${cost.unknown.join(', ')} cost` : ''}`,
    soFar && `${count(soFar.tokens)} tokens so far`,
    // Zero may be the cost of a model whose price is unknown.
    soFar && soFar.cost > 0 && money(soFar.cost),
    durationMs !== undefined && lasting(durationMs),
  ].filter(Boolean)
  return (
    <>
      <Text as="p" color="gray" mb="3">
        {facts.join(' · ')}
      </Text>
      <LabelLine taint={taint} />
      <RunCommandRow id={id} result={result} isPausing={isPausing} answered={answered} openFork={openFork} />
      {questions.map((question) => (
        <LinkedAsk key={question.id} run={id} question={question} answered={answered} />
      ))}
      {(result.reason === 'uncertain' || result.uncertain) && (
        <Uncertain run={id} isOver={result.status !== 'waiting' && result.status !== 'running'} onResolved={answered} />
      )}
      {error && (
        <Notice color="red" mb="3">
          <p>
            {visible(error.message)} {error.hint}
          </p>
          <p>
            <code className="break">{visible([error.code, error.errorId].filter(Boolean).join(' · '))}</code>
          </p>
        </Notice>
      )}
      {guard && (
        <Text as="p" mb="3">
          The guard {guard.name} ended it: {count(guard.used)} of {count(guard.limit)}.
        </Text>
      )}
      {response !== undefined && response !== null && <Response value={response} />}
      {result.status === 'completed' && <OnlineScores run={id} />}
    </>
  )
}

/** A question with its address, which brings it into view. */
function LinkedAsk(props: ComponentProps<typeof Ask>) {
  const { id } = props.question
  const { question: opened } = runRoute.useSearch()
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (opened === id) box.current?.focus()
  }, [opened, id])
  return (
    <div ref={box} tabIndex={-1}>
      <Ask {...props} />
      <CopyButton label="Copy link to the question" of={id} text={() => addressOf(props.run, id)} />
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

const isActive = (result: Result | undefined) => result?.status === 'running' || result?.status === 'waiting'
