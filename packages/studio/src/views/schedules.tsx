import { Link, useNavigate } from '@tanstack/react-router'
import type { Schedule } from '../api/shapes.ts'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, toMinute, when } from '../format.ts'
import { Answer, ErrorNotice } from '../parts/answer.tsx'
import { type Column, DataTable, fromRow } from '../parts/data-table.tsx'
import { Facts } from '../parts/facts.tsx'
import { Opened } from '../parts/opened.tsx'
import { isPartOfList, Pager } from '../parts/pager.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { ViewHeader } from '../parts/view-header.tsx'
import { schedulesRoute } from '../routes.ts'
import { visible } from '../visible.ts'

/** The policy for times that passed while no process was running. */
const misfireTexts = {
  skip: 'no run starts for them',
  once: 'one run starts for all of them',
  all: 'one run starts for each of them',
} as const
/** The policy for a trigger while a run of the schedule is in progress. */
const overlapTexts = {
  allow: 'another one starts beside it',
  skip: 'no other one starts',
  queue: 'the next one waits for its end',
} as const

/** What begins its runs, in words. */
function triggerText({ at, in: later, every, timeZone, onContext, onMessage }: Schedule): string {
  if (onContext) return `at each write of ${onContext.pattern}`
  if (onMessage) return `at each message ${onMessage.type} to ${onMessage.to}`
  const time = every === undefined ? `once, ${at ?? `${later} after it was made`}` : `every ${every}`
  return timeZone === undefined ? time : `${time} (${timeZone})`
}

export function Schedules() {
  const { after, schedule: opened } = schedulesRoute.useSearch()
  const query = { limit: 50, cursor: after?.at(-1) }
  const schedules = useAnswer('schedules.list', { query })
  const may = useMay()
  return (
    <>
      <ViewHeader title="Schedules" />
      {opened !== undefined && <OneSchedule id={opened} />}
      <Answer
        of={schedules}
        none={{
          when: ({ items }) => items.length === 0,
          text: 'No schedule starts runs. A program creates one with `schedules.create`.',
        }}
      >
        {({ items, cursor }) => (
          <>
            <DataTable
              columns={columns}
              visibility={{ Commands: may('schedules.pause') || may('schedules.trigger') }}
              rows={items}
              rowKey={({ id }) => id}
              isCurrent={({ id }) => id === opened}
              isPart={isPartOfList(after, cursor)}
            />
            <Pager next={cursor} back="Back" on="More" />
          </>
        )}
      </Answer>
    </>
  )
}

/** The schedule that the address names. */
function OneSchedule({ id }: { readonly id: string }) {
  const found = useAnswer('schedules.get', { path: { schedule: id } })
  const close = (
    <Link to="/schedules" search={({ schedule: _, ...search }) => search} aria-keyshortcuts="Escape">
      Close
    </Link>
  )
  return (
    <Opened title={`Schedule ${visible(id)}`} id={id} close={close}>
      <Answer of={found}>
        {(schedule) => (
          <>
            <Facts
              facts={[
                ['State', <Status key="state" status={schedule.state} />],
                ['Starts', visible(starterText(schedule))],
                ['When', visible(triggerText(schedule))],
                ['Next', <NextTimes key="next" {...schedule} isPaused={schedule.state === 'paused'} />],
                ['Last run', schedule.lastRun && <LastRun key="last" id={id} run={schedule.lastRun} />],
                ['If times were missed', misfireTexts[schedule.misfire]],
                ['If a run is in progress', overlapTexts[schedule.overlap]],
                ['Tags', schedule.tags.length > 0 && visible(schedule.tags.join(', '))],
                ['Made or resumed', `by ${makerText(schedule.apiKey)}, ${when(schedule.createdAt)}`],
              ]}
            />
            <Remarks schedule={schedule} />
            <ScheduleCommands schedule={schedule} />
          </>
        )}
      </Answer>
    </Opened>
  )
}

/** The first time, and the further ones on request. */
function NextTimes({
  id,
  next,
  isPaused,
}: {
  readonly id: string
  readonly next: readonly string[]
  readonly isPaused: boolean
}) {
  const [first, ...later] = next
  const time = first !== undefined && <span className="unbroken">{toMinute(first)}</span>
  if (first === undefined) return <Text color="gray">{isPaused ? 'none until it is resumed' : 'no time is set'}</Text>
  if (later.length === 0) return time
  return (
    <details>
      <summary className="unbroken">{toMinute(first)}</summary>
      <ol className="times" aria-label={`Later times of ${visible(id)}`}>
        {later.map((at) => (
          <li key={at}>{toMinute(at)}</li>
        ))}
      </ol>
    </details>
  )
}

/** @param apiKey an API key, a session of the page, or `token:USER:END` */
function makerText(apiKey: string | undefined): string {
  if (apiKey === undefined) return 'the application'
  const token = /^token:(.*):\d+$/.exec(apiKey)
  return token ? `token of ${visible(token[1] ?? '')}` : `key ${visible(apiKey)}`
}

const columns: readonly Column<Schedule>[] = [
  {
    header: 'Schedule',
    accessorFn: ({ id }) => id,
    cell: fromRow((schedule) => <Named schedule={schedule} />),
    meta: { breaks: true },
  },
  { header: 'State', accessorFn: ({ state }) => state, cell: fromRow(({ state }) => <Status status={state} />) },
  {
    header: 'Next',
    accessorFn: ({ next: [first] }) => first && Date.parse(first),
    // The next one to start comes first.
    sortDescFirst: false,
    cell: fromRow(({ id, next, state }) => <NextTimes id={id} next={next} isPaused={state === 'paused'} />),
    meta: { wideOnly: true },
  },
  {
    header: 'Last run',
    accessorFn: ({ lastRun }) => lastRun && Date.parse(lastRun.at),
    cell: fromRow(({ id, lastRun }) => lastRun && <LastRun id={id} run={lastRun} />),
    meta: { wideOnly: true },
  },
  {
    header: 'Made or resumed',
    accessorFn: ({ createdAt }) => Date.parse(createdAt),
    cell: fromRow(({ apiKey, createdAt }) => (
      <>
        {makerText(apiKey)}
        <Text as="p" size="small" color="gray" className="unbroken">
          {toMinute(createdAt)}
        </Text>
      </>
    )),
    meta: { wideOnly: true, breaks: true },
  },
  { header: 'Commands', cell: fromRow((schedule) => <ScheduleCommands schedule={schedule} />) },
]

function LastRun({ id, run }: { readonly id: string; readonly run: { readonly id: string; readonly at: string } }) {
  return (
    <>
      <Link to="/runs/$run" params={{ run: run.id }} title={`Last run of ${visible(id)}`} className="unbroken">
        {toMinute(run.at)}
      </Link>
      <Text as="p" size="small" color="gray">
        <code>…{run.id.slice(-10)}</code>
      </Text>
    </>
  )
}

const starterText = ({ team, agent, agents = [] }: Schedule): string => team ?? agent ?? agents.join(', ')

function Named({ schedule }: { readonly schedule: Schedule }) {
  const [next] = schedule.next
  return (
    <>
      <Link to="/schedules" search={(search) => ({ ...search, schedule: schedule.id })}>
        {visible(schedule.id)}
      </Link>
      <Text as="p" size="small" color="gray">
        {visible(`${starterText(schedule)} · ${triggerText(schedule)}`)}
      </Text>
      {next !== undefined && (
        <Text as="p" size="small" color="gray" className="compact">
          next {toMinute(next)}
        </Text>
      )}
      <Remarks schedule={schedule} />
    </>
  )
}

/** Why it starts no run, and how many triggers wait. */
function Remarks({ schedule: { state, problem, waiting } }: { readonly schedule: Schedule }) {
  const paused = state === 'paused'
  return (
    <>
      {problem && (
        <Text as="p" size="small" color="red" className="break">
          {paused ? 'Paused' : 'Starts no run'} since {when(problem.since)}: {visible(problem.message)}
        </Text>
      )}
      {paused && !problem && (
        <Text as="p" size="small" color="gray">
          Stopped by a command; Resume starts it again.
        </Text>
      )}
      {waiting > 0 && (
        <Text as="p" size="small" color="gray">
          {count(waiting)} {waiting === 1 ? 'trigger waits' : 'triggers wait'} for a run
        </Text>
      )}
    </>
  )
}

function ScheduleCommands({ schedule: { id, state } }: { readonly schedule: Schedule }) {
  const client = useClient()
  const navigate = useNavigate()
  const forget = useForget()
  const may = useMay()
  const { busy, error, run } = useCommand()
  const path = { schedule: id }
  const paused = state === 'paused'
  const forgetAll = () => {
    forget('schedules.list', {})
    forget('schedules.get', { path })
  }
  const toggle = () =>
    run(async () => {
      await client.call(paused ? 'schedules.resume' : 'schedules.pause', { path, body: {} })
      forgetAll()
    })
  const trigger = () =>
    run(async () => {
      const begun = await client.call('schedules.trigger', { path, body: {} })
      forgetAll()
      await navigate({ to: '/runs/$run', params: { run: begun.run } })
    })
  return (
    <>
      <Flex gap="2" className="one-line">
        {may('schedules.pause') && (
          <Button
            small
            look="soft"
            aria-disabled={busy}
            aria-label={`${paused ? 'Resume' : 'Pause'} ${id}`}
            onClick={toggle}
          >
            {paused ? 'Resume' : 'Pause'}
          </Button>
        )}
        {may('schedules.trigger') && (
          <Button small look="soft" aria-disabled={busy} aria-label={`Run now, ${id}`} onClick={trigger}>
            Run now
          </Button>
        )}
      </Flex>
      {error && <ErrorNotice error={error} />}
    </>
  )
}
