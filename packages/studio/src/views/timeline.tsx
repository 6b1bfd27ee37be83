/** The steps of a run over time. The step that is opened shows its waits and its calls, and the inspector what was chosen. */
import { useCallback, useMemo } from 'react'
import type { Call } from '../api/shapes.ts'
import { useServerClock } from '../api/use-api.tsx'
import { count, lasting } from '../format.ts'
import { Nothing } from '../parts/answer.tsx'
import { Button, Flex, Select } from '../parts/ui.tsx'
import { useSetting } from '../parts/use-setting.ts'
import { type RunSearch, runRoute, stepStates } from '../routes.ts'
import type { RunState, Step } from '../run-state.ts'
import { RunInspector } from './run-inspector.tsx'
import { useStepCalls, waitId } from './step-calls.ts'
import { type Axis, axisOf } from './timeline-axis.ts'
import { CallCells, StepCells, type StepNotes, WaitCells } from './timeline-cells.tsx'
import { TimelineTree, type TreeRow } from './timeline-tree.tsx'

/** Among so many one is seen. */
const few = 20
const every = 'all'
const wallClockSetting = 'wallClock'

/** Returns what the timeline draws of all steps. A long run has thousands: an opened step must not compute it. */
function drawingOf(state: RunState, now: () => number) {
  const all = [...state.steps.values()]
  const isOpen = all.some(({ ended }) => ended === undefined)
  const until = all.reduce(
    (latest, { began, ended }) => Math.max(latest, ended ?? began),
    isOpen ? now() : (all[0]?.began ?? 0) + 1,
  )
  const retries = retriesOf(all)
  const retried = new Set([...retries.values()].map(({ id }) => id))
  const namesBranch = all.some(({ branch }) => branch !== all[0]?.branch)
  const counts = new Map<string, number>([[every, all.length]])
  for (const one of all) counts.set(one.state, (counts.get(one.state) ?? 0) + 1)
  const notesOf = ({ id }: Step): StepNotes => ({
    retryOf: retries.get(id),
    isRetried: retried.has(id),
    namesBranch,
  })
  return { all, counts, notesOf, folded: axisOf(all, until, true), unfolded: axisOf(all, until, false) }
}

export function Timeline({ run, state }: { readonly run: string; readonly state: RunState }) {
  const { step: opened, call, state: only } = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const show = useCallback(
    (changed: RunSearch) => void navigate({ search: (search) => ({ ...search, ...changed }) }),
    [navigate],
  )
  const open = useCallback((id: string, chosen?: string) => show({ step: id, call: chosen }), [show])
  const step = state.steps.get(opened ?? '')
  const calls = useStepCalls(run, step)
  const [wallClock, chooseWallClock] = useSetting(wallClockSetting)
  const clock = useServerClock()
  const { all, counts, notesOf, folded, unfolded } = useMemo(() => drawingOf(state, clock.now), [state, clock])
  const axis = wallClock === null ? folded : unfolded
  const steps = useMemo(() => (only === undefined ? all : all.filter((one) => one.state === only)), [all, only])
  const stepRows = useMemo(
    () => steps.map((one) => stepRow(one, { axis, open, notes: notesOf(one) })),
    [steps, axis, open, notesOf],
  )
  const at = step === undefined ? -1 : steps.indexOf(step)
  const rows = useMemo(
    () =>
      step === undefined || at < 0
        ? stepRows
        : stepRows.toSpliced(at, 1, ...openedRows(step, { axis, open, notes: notesOf(step) }, calls.data?.calls ?? [])),
    [stepRows, at, step, axis, open, notesOf, calls.data],
  )
  if (all.length === 0) return <Nothing>No step has begun. Each step appears here when it starts.</Nothing>
  const close = () => show({ step: undefined, call: undefined })
  return (
    <>
      <Flex gap="2" align="center" justify="between" wrap="wrap" mb="2">
        {all.length > few && (
          <Select
            label="Steps that are"
            value={only ?? every}
            onChoose={(one) => show({ state: one === every ? undefined : one })}
            options={([every, ...stepStates] as const).map((one) => ({
              value: one,
              label: `${one} · ${count(counts.get(one) ?? 0)}`,
            }))}
          />
        )}
        {folded.folds.length > 0 && (
          <Button
            small
            look="soft"
            className="roomy"
            aria-pressed={wallClock !== null}
            title="Draws the time in which nothing works as long as it lasted"
            onClick={() => chooseWallClock(wallClock === null ? 'on' : null)}
          >
            Wall clock
          </Button>
        )}
      </Flex>
      {steps.length === 0 && <Nothing>No step is like that. Choose another state.</Nothing>}
      <div className={step ? 'split' : undefined}>
        <div>
          {rows.length > 0 && <TimelineHead axis={axis} />}
          {rows.length > 0 && <TimelineTree rows={rows} chosen={step && rowKey(step.id, call)} close={close} />}
        </div>
        {step && <RunInspector run={run} step={step} state={state} calls={calls} chosen={call} show={show} />}
      </div>
    </>
  )
}

/** The names of the columns, and the times of the axis. Rows of a tree name what they show, so a screen reader skips it. */
function TimelineHead({ axis: { ticks, folds } }: { readonly axis: Axis }) {
  return (
    <div className="step-head" aria-hidden="true">
      <span>Step and call</span>
      <span />
      <span className="step-axis">
        {ticks.map(({ at, elapsed }) => (
          <span key={at} className="tick" style={{ insetInlineStart: `${at * 100}%` }}>
            {lasting(elapsed)}
          </span>
        ))}
        {folds.map(({ start, size, lasted }) => (
          <span
            key={start}
            className="fold"
            title={`Nothing worked for ${lasting(lasted)}`}
            style={{ insetInlineStart: `${start * 100}%`, width: `${size * 100}%` }}
          >
            {lasting(lasted)}
          </span>
        ))}
      </span>
      <span className="step-time">Duration</span>
      <span className="step-cost">Tokens</span>
      <span className="step-cost">Cost</span>
    </div>
  )
}

/** Returns the attempt that failed before each retry, by the id of the retry. */
function retriesOf(steps: readonly Step[]): ReadonlyMap<string, Step> {
  const latest = new Map<string, Step>()
  const retries = new Map<string, Step>()
  for (const step of steps) {
    const before = latest.get(step.branch)
    if (before && step.attempt > 1 && before.attempt === step.attempt - 1) retries.set(step.id, before)
    latest.set(step.branch, step)
  }
  return retries
}

const rowKey = (step: string, call = ''): string => `${step} ${call}`

interface RowOptions {
  readonly axis: Axis
  readonly open: (step: string, chosen?: string) => void
  readonly notes: StepNotes
}

const levelOf = ({ depth }: Step): number => Math.min(depth, 6) + 1

const stepRow = (step: Step, { axis, open, notes }: RowOptions): TreeRow => ({
  key: rowKey(step.id),
  level: levelOf(step),
  isExpanded: false,
  open: () => open(step.id),
  cells: () => <StepCells step={step} axis={axis} {...notes} />,
})

/** The rows of the step that is opened: its own, and those of its calls and its waits. */
function openedRows(step: Step, options: RowOptions, calls: readonly Call[]): readonly TreeRow[] {
  const { axis, open } = options
  const within = (call: string, cells: TreeRow['cells']): TreeRow => ({
    key: rowKey(step.id, call),
    level: levelOf(step) + 1,
    open: () => open(step.id, call),
    cells,
  })
  return [
    { ...stepRow(step, options), isExpanded: true },
    ...calls.map((one) => within(one.call, () => <CallCells call={one} calls={calls} step={step} axis={axis} />)),
    ...step.waits.map((wait, i) => within(waitId(i), () => <WaitCells wait={wait} axis={axis} />)),
  ]
}
