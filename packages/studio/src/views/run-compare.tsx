/** Two runs side by side: the steps of both, and the first event that differs. */
import { Link } from '@tanstack/react-router'
import { useId, useState } from 'react'
import type { RunEvent } from '../api/shapes.ts'
import { useAnswer, useServerClock } from '../api/use-api.tsx'
import { age, count, inShort } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Breakable } from '../parts/breakable.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { differences } from '../parts/first-difference.ts'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Text } from '../parts/ui.tsx'
import { useRun } from '../parts/use-run.ts'
import { runRoute } from '../routes.ts'
import type { RunState } from '../run-state.ts'
import { visible } from '../visible.ts'
import { plainOf } from './step-calls.ts'

/** The newest runs that are offered. Any other is named by its id. */
const maxOffered = 50

interface CompareProps {
  readonly run: string
  readonly state: RunState
  readonly events: readonly RunEvent[]
}

export function RunCompare({ run, state, events }: CompareProps) {
  const { other = '' } = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const [typed, setTyped] = useState(other)
  const id = useId()
  const { data } = useAnswer('runs.list', { query: { limit: maxOffered } })
  const clock = useServerClock()
  const offered = data?.items.filter((one) => one.id !== run) ?? []
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void navigate({ search: (search) => ({ ...search, other: typed.trim() }) })
        }}
      >
        <Flex gap="2" wrap="wrap" mb="2">
          <input
            className="grow"
            aria-label="Id of another run"
            placeholder="Another run: choose a recent one, or type an id …"
            list={id}
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
          <datalist id={id}>
            {offered.map(({ id: value, title, createdAt }) => (
              <option key={value} value={value} label={`${inShort(title, 80)}, ${age(createdAt, clock.now())} old`} />
            ))}
          </datalist>
          <Button type="submit" look="soft" disabled={typed.trim() === ''}>
            Compare
          </Button>
        </Flex>
      </form>
      {other !== '' && <Difference key={other} run={run} state={state} events={events} other={other} />}
    </>
  )
}

function Difference({ run, state, events, other }: CompareProps & { readonly other: string }) {
  const second = useRun(other)
  const compared = useAnswer('runs.compare', { path: { run, other } })
  return (
    <Answer of={compared}>
      {({ identical, divergedAt, a, b }) =>
        identical ? (
          <Text as="p">Both runs have the same events.</Text>
        ) : (
          <>
            <Text as="p" mb="2">
              The runs differ{divergedAt === undefined ? '' : ` from event ${count(divergedAt)} on`}.
            </Text>
            <div className="beside">
              <Side name="This run" run={run} state={state} step={stepFrom(events, divergedAt)} />
              <Side name="The other run" run={other} state={second.state} step={stepFrom(second.events, divergedAt)} />
            </div>
            <EventDifference seq={divergedAt} a={a} b={b} />
          </>
        )
      }
    </Answer>
  )
}

/** Returns the step of the first event from `seq` on that belongs to a step. */
const stepFrom = (events: readonly RunEvent[], seq = 1): string | undefined =>
  events.find((event) => event.seq >= seq && event.step !== undefined)?.step

/** More steps at once would slow down the page. */
const maxSteps = 200

/** More places of one event would bury the first ones. */
const maxDifferences = 20
/** Two runs always differ in these. */
const ofEachRun: ReadonlySet<string> = new Set(['at', 'run', 'seq', 'trace', 'user'])

const contentOf = (event: unknown): unknown =>
  event === undefined
    ? undefined
    : Object.fromEntries(Object.entries(event as object).filter(([name]) => !ofEachRun.has(name)))

interface EventDifferenceProps {
  readonly seq: number | undefined
  /** The first events that differ; undefined where a run ended before. */
  readonly a: unknown
  readonly b: unknown
}

/** The differences in the first event that differs. */
function EventDifference({ seq, a, b }: EventDifferenceProps) {
  const found = differences(contentOf(a), contentOf(b), maxDifferences + 1).toSorted(
    (one, other) => one.path.length - other.path.length,
  )
  if (found.length === 0) return null
  const isWhole = a === undefined || b === undefined
  return (
    <Section title={seq === undefined ? 'First event that differs' : `Event ${count(seq)} of both runs`}>
      {isWhole ? (
        <Text as="p">{a === undefined ? 'This run' : 'The other run'} ended before this event.</Text>
      ) : (
        <DataTable
          columns={[
            {
              header: 'Field',
              cell: fromRow(({ path }) => (
                <code>
                  <Breakable name={path.join('.')} />
                </code>
              )),
              meta: { breaks: true },
            },
            { header: 'This run', cell: fromRow(({ before }) => <FieldText value={before} />), meta: { breaks: true } },
            {
              header: 'The other run',
              cell: fromRow(({ after }) => <FieldText value={after} />),
              meta: { breaks: true },
            },
          ]}
          rows={found.slice(0, maxDifferences)}
          rowKey={({ path }) => path.join('.')}
        />
      )}
      {found.length > maxDifferences && (
        <Text as="p" size="small" color="gray">
          The first {maxDifferences} fields that differ are shown.
        </Text>
      )}
    </Section>
  )
}

const FieldText = ({ value }: { readonly value: unknown }) =>
  value === undefined ? <Text color="gray">–</Text> : <code>{inShort(value, 240)}</code>

interface SideProps {
  readonly name: string
  readonly run: string
  readonly state: RunState
  /** The first step that differs. */
  readonly step: string | undefined
}

function Side({ name, run, state, step: different }: SideProps) {
  const steps = [...state.steps.values()]
  // Around the difference, where the steps are too many.
  const from = Math.max(0, Math.min(steps.findIndex(({ id }) => id === different) - 20, steps.length - maxSteps))
  const shown = steps.slice(from, from + maxSteps)
  return (
    <div>
      <Text as="p" size="small" color="gray">
        {name}
      </Text>
      <Text as="p" bold className="break">
        <Link to="/runs/$run" params={{ run }}>
          {inShort(state.task ?? '', 90) || run}
        </Link>
      </Text>
      <ol className="plain compared" aria-label={`Steps of ${name.toLowerCase()}`} start={from + 1}>
        {shown.map(({ id, agent, state: stepState, output, error }) => (
          <li key={id} className="break" aria-current={id === different ? 'step' : undefined}>
            <strong>{visible(agent)}</strong> <Status status={stepState} />{' '}
            {id === different && <span className="chip ask">first difference</span>}
            <Text as="p" size="small" color="gray" className="break">
              {error === undefined ? inShort(plainOf(output), 120) : visible(error)}
            </Text>
          </li>
        ))}
      </ol>
      {steps.length > shown.length && (
        <Text as="p" size="small" color="gray">
          {count(shown.length)} of {count(steps.length)} steps are shown.
        </Text>
      )}
    </div>
  )
}
