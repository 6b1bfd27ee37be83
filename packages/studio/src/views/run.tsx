import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useDeferredValue, useEffect, useMemo, useState } from 'react'
import { isProblem, type Problem } from '../api/is-problem.ts'
import { isActive, type Result, type RunEvent } from '../api/shapes.ts'
import { useAnswer, useForget, useForgetSoon } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, inShort } from '../format.ts'
import { Answer, ErrorNotice, Loading, Nothing } from '../parts/answer.tsx'
import { Graph } from '../parts/graph.tsx'
import { RunStatus } from '../parts/run-status.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { useRun } from '../parts/use-run.ts'
import { Value } from '../parts/value.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { useViewTitle } from '../parts/view-title.ts'
import { type RunSearch, type RunTab, runRoute, runTabs } from '../routes.ts'
import { isOver, type RunState, statesOfNodes } from '../run-state.ts'
import { EventList } from './event-list.tsx'
import { RunCommandRow } from './run-command-row.tsx'
import { RunCompare } from './run-compare.tsx'
import { RunDebugger } from './run-debugger.tsx'
import { Overview } from './run-overview.tsx'
import { type PastState, RunTime } from './run-time.tsx'
import { RunWhy } from './run-why.tsx'
import { Timeline } from './timeline.tsx'
import './run.css'

export function RunView() {
  const { run: id } = runRoute.useParams()
  const { state, connection, events, isLoading: isComing } = useRun(id)
  const search = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const openFork = () =>
    void navigate({ search: { ...search, tab: 'time', at: forkPoint(search, events), fork: true } })
  const path = { run: id }
  const result: UseQueryResult<Result, Error> = useAnswer('runs.result', { path })
  const forget = useForget()
  const forgetSoon = useForgetSoon()
  const { seq } = state
  // The slider of time moves the drawing of the team.
  const [past, setPast] = useState<PastState>()
  const drawn = past?.state ?? state
  const nodeStates = useMemo(() => statesOfNodes(drawn), [drawn])
  // biome-ignore lint/correctness/useExhaustiveDependencies: each event may change how it stands
  useEffect(() => forgetSoon('runs.result', { path }), [seq, id])
  const title = state.task === undefined ? '' : inShort(state.task, 90)
  const unknown = isProblem(result.error) && result.error.code === 'run.unknown' ? result.error : undefined
  useViewTitle(unknown ? undefined : title || undefined)
  // The steps in progress end before the run pauses.
  const isPausing = result.data?.status === 'running' && state.status === 'paused'
  // The events of a long run arrive in parts.
  const isPartial = result.data !== undefined && !isActive(result.data) && !isOver(state)
  // All parts are drawn at once: none moves when another one arrives, as the name of the team does.
  const row = useAnswer('runs.get', { path })
  const isLoading = isComing || result.isLoading || row.isLoading
  if (unknown) return <UnknownRun error={unknown} />
  return (
    <>
      <ViewHeader
        within={<Link to="/runs">Runs</Link>}
        title={title || id}
        status={
          <>
            <span role="status" aria-label="Status of the run">
              <RunStatus
                run={id}
                status={result.data?.status ?? (state.seq > 0 ? state.status : result.error ? 'unknown' : 'loading')}
                reason={isPausing ? 'pausing, when its steps have ended' : result.data?.reason}
                questions={result.data?.questions}
              />
            </span>
            {connection === 'lost' && <Status status="disconnected" reason="trying again" />}
          </>
        }
      >
        {!isLoading && result.data && (
          <RunCommandRow
            id={id}
            result={result.data}
            isPausing={isPausing}
            answered={() => forget('runs.result', { path })}
            openFork={isOver(state) ? openFork : undefined}
          />
        )}
      </ViewHeader>
      {isLoading ? (
        <Loading />
      ) : (
        <>
          <Answer of={result}>
            {(found) => (
              <Overview
                id={id}
                result={found}
                state={state}
                startedAt={events[0]?.at}
                lastAt={events.at(-1)?.at}
                answered={() => forget('runs.result', { path })}
              />
            )}
          </Answer>
          {state.task !== undefined && state.task !== title && (
            <Section title="Task">
              <Value value={state.task} label="Task of the team" />
            </Section>
          )}
          {state.topology && (
            <Section
              title="Team"
              note={
                isPartial
                  ? `The events are loading: ${count(seq)} so far.`
                  : past && `at event ${count(past.seq)} of ${count(seq)}`
              }
            >
              {/* It opens around the node that needs the reader first, which the last part of the events decides. */}
              <Graph
                key={isPartial ? 'partial' : 'complete'}
                topology={state.topology}
                states={nodeStates}
                edgeUses={drawn.edgeUses}
              />
            </Section>
          )}
          <Parts run={id} state={state} events={events} result={result.data} showPast={setPast} />
        </>
      )}
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
  readonly showPast: (past: PastState | undefined) => void
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
function Parts({ run, state, events, result, showPast }: PartsProps) {
  const isAtBreakpoint = result?.reason === 'breakpoint'
  const may = useMay()
  const canDebug = result !== undefined && isActive(result) && may('runs.setBreakpoints')
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
        {shown === 'time' &&
          (hasArrived ? <RunTime run={run} events={events} length={length} showPast={showPast} /> : <Loading />)}
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

function UnknownRun({ error }: { readonly error: Problem }) {
  return (
    <>
      <ViewHeader within={<Link to="/runs">Runs</Link>} title="Unknown run" />
      <ErrorNotice error={error} />
    </>
  )
}
