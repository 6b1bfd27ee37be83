/** The steps of a run over time. The step that is opened shows its waits and its calls, and the inspector what was chosen. */
import type { Call } from '../api/shapes.ts'
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

export function Timeline({ run, state }: { readonly run: string; readonly state: RunState }) {
  const { step: opened, call, state: only } = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const show = (changed: RunSearch) => void navigate({ search: (search) => ({ ...search, ...changed }) })
  const all = [...state.steps.values()]
  const step = state.steps.get(opened ?? '')
  const calls = useStepCalls(run, step)
  const [wallClock, chooseWallClock] = useSetting(wallClockSetting)
  if (all.length === 0) return <Nothing>No step has begun. Each step appears here when it starts.</Nothing>
  const from = all[0]?.began ?? 0
  const isOpen = all.some(({ ended }) => ended === undefined)
  const until = all.reduce(
    (latest, { began, ended }) => Math.max(latest, ended ?? began),
    isOpen ? Date.now() : from + 1,
  )
  const retries = retriesOf(all)
  const retried = new Set([...retries.values()].map(({ id }) => id))
  const hasBranches = all.some(({ branch }) => branch !== all[0]?.branch)
  const steps = only === undefined ? all : all.filter((one) => one.state === only)
  const open = (id: string, chosen?: string) => show({ step: id, call: chosen })
  const close = () => show({ step: undefined, call: undefined })
  const folded = axisOf(all, until, true)
  const axis = wallClock === null ? folded : axisOf(all, until, false)
  const rows = steps.flatMap((one) =>
    rowsOf(one, {
      axis,
      open,
      calls: one === step ? (calls.data?.calls ?? []) : undefined,
      notes: { retryOf: retries.get(one.id), isRetried: retried.has(one.id), namesBranch: hasBranches },
    }),
  )
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
              label: `${one} · ${count(one === every ? all.length : all.filter((each) => each.state === one).length)}`,
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
  /** Of the step that is opened. */
  readonly calls: readonly Call[] | undefined
  readonly notes: StepNotes
}

/** The row of a step; of the one that is opened also those of its calls and its waits. */
function rowsOf(step: Step, { axis, open, calls, notes }: RowOptions): readonly TreeRow[] {
  const { id, waits } = step
  const level = Math.min(step.depth, 6) + 1
  const row: TreeRow = {
    key: rowKey(id),
    level,
    isExpanded: calls !== undefined,
    open: () => open(id),
    cells: () => <StepCells step={step} axis={axis} {...notes} />,
  }
  if (calls === undefined) return [row]
  const within = (call: string, cells: TreeRow['cells']): TreeRow => ({
    key: rowKey(id, call),
    level: level + 1,
    open: () => open(id, call),
    cells,
  })
  return [
    row,
    ...calls.map((one) => within(one.call, () => <CallCells call={one} calls={calls} step={step} axis={axis} />)),
    ...waits.map((wait, i) => within(waitId(i), () => <WaitCells wait={wait} axis={axis} />)),
  ]
}
