import { onlineManager } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { isUnreachable } from '../api/is-problem.ts'
import { useAnswer, useForget, useUpdatesConnection, useUser } from '../api/use-api.tsx'
import { newestFailed } from '../api/use-failed-runs.ts'
import { useMay } from '../api/use-may.ts'
import { useRequests } from '../api/use-requests.ts'
import { count } from '../format.ts'
import { Answer, Loading } from '../parts/answer.tsx'
import { checkDetails, checkName } from '../parts/check-details.ts'
import { NewRunLink } from '../parts/new-run-link.tsx'
import { RunTable } from '../parts/run-table.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Text } from '../parts/ui.tsx'
import { UsageCharts, useUsageHistory } from '../parts/usage-charts.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { WithCode } from '../parts/with-code.tsx'
import { visible } from '../visible.ts'
import { AllUsers } from './all-users.tsx'
import { CostByTeam } from './cost-by-team.tsx'
import { DailyMetrics } from './daily-metrics.tsx'
import { FailureCauses } from './failure-causes.tsx'
import { OpenRequests } from './open-requests.tsx'
import './home.css'

const newest = { query: { limit: 10 } } as const
/** Running runs that are counted; Home shows the newest of them. */
const running = { query: { status: 'running', limit: 100 } } as const
const maxRunning = 5

/** ms between questions to a server that is not ready or cannot be reached. */
const unreadyEvery = 5_000

/** Asks when the page opens, when the stream of updates breaks or returns, when health changed, and until the server is ready. */
function useReady() {
  const ready = useAnswer('probes.ready', {})
  const isUnready = !ready.isPending && (ready.error !== null || ready.data?.status !== 'ready')
  useAnswer('probes.ready', { enabled: isUnready, every: unreadyEvery })
  const connection = useUpdatesConnection()
  const forget = useForget()
  const known = useRef(connection)
  useEffect(() => {
    if (known.current !== connection) forget('probes.ready', {})
    known.current = connection
  }, [connection, forget])
  // A stream that is not open yet cannot break.
  useEffect(() => onlineManager.subscribe(() => forget('probes.ready', {})), [forget])
  return ready
}

export function Home() {
  const ready = useReady()
  const user = useUser()
  return (
    <>
      <ViewHeader
        title="Home"
        status={
          <span role="status" aria-label="The server">
            {ready.error || ready.data?.status === 'not ready' ? (
              <Unready error={ready.error} />
            ) : (
              <Status status={ready.data?.status ?? 'connecting'} />
            )}
          </span>
        }
      >
        <NewRunLink />
      </ViewHeader>
      <Lists key={user} />
    </>
  )
}

/** The lists appear together, because one that came later would move those below it. */
function Lists() {
  const runs = useAnswer('runs.list', newest)
  const failed = useAnswer('runs.list', newestFailed)
  const inProgress = useAnswer('runs.list', running)
  const requests = useRequests()
  const usage = useUsageHistory('day')
  const access = useAnswer('access.get', {})
  const may = useMay()
  const appeared = useRef(false)
  appeared.current ||= [runs, failed, inProgress, requests, usage, access].every(({ isPending }) => !isPending)
  if (!appeared.current) return <Loading />
  return (
    <div className="home">
      <DailyMetrics />
      <div className="columns">
        <div>
          <OpenRequests />
          <FailureCauses />
          <InProgress />
          <Section title="Newest runs" beside={<Link to="/runs">All runs</Link>}>
            <Answer
              of={runs}
              none={{
                when: ({ items }) => items.length === 0,
                text: <>No run has begun. {may('runs.start') && <Link to="/try">Start one</Link>}</>,
              }}
            >
              {({ items }) => <RunTable runs={items} />}
            </Answer>
          </Section>
        </div>
        <div className="side-column">
          <Checks />
          <Doctor />
          <CostByTeam />
        </div>
      </div>
      <UsageCharts isSmall />
      <AllUsers />
    </div>
  )
}

/** What it answered before says nothing of now. */
function Unready({ error }: { readonly error: Error | null }) {
  return <Status status="failed" reason={isUnreachable(error) ? 'cannot be reached' : 'not ready'} />
}

/** The newest runs that run. */
function InProgress() {
  const answer = useAnswer('runs.list', running)
  const { items = [], cursor } = answer.data ?? {}
  const all = (
    <Link to="/runs" search={{ status: 'running' }}>
      All running runs
    </Link>
  )
  return (
    <Section
      title="In progress"
      note={items.length > 0 && `${count(items.length)}${cursor === undefined ? '' : '+'}`}
      beside={all}
    >
      <Answer
        of={answer}
        none={{
          when: () => items.length === 0,
          text: 'No run is in progress. A run appears here while it executes.',
        }}
      >
        {() => <RunTable runs={items.slice(0, maxRunning)} />}
      </Answer>
    </Section>
  )
}

/** The checks that measure load: messages that wait, dead letters, workers. */
const loads = new Set(['queues', 'agents'])

/** The health of the process, which is about all users, for callers that may read it. */
function Checks() {
  const may = useMay()
  const isAllowed = may('operations.health')
  const health = useAnswer('operations.health', { enabled: isAllowed })
  if (!isAllowed) return null
  return (
    <Section title="Health" beside={<Link to="/health">All checks</Link>}>
      <div className="health">
        <Answer of={health}>
          {({ checks }) => (
            <ul className="checks">
              {checks.map(({ name, status, message, details }) => (
                <li key={name}>
                  <Status status={status} /> {checkName(name)}
                  {loads.has(name) && (
                    <Text as="p" size="small" color="gray" className="break">
                      {checkDetails(details)}
                    </Text>
                  )}
                  {message !== undefined && (
                    <Text as="p" size="small" color="gray" className="break">
                      {visible(message)}
                    </Text>
                  )}
                </li>
              ))}
            </ul>
          )}
        </Answer>
      </div>
    </Section>
  )
}

const worst = 3

/** Lists the missing settings for production, the most important first, for callers that may see them. */
function Doctor() {
  const may = useMay()
  const report = useAnswer('operations.doctor', { enabled: may('operations.doctor') })
  const { checks, counts } = report.data ?? { checks: [], counts: undefined }
  if (counts === undefined) return null
  const findings = checks.flatMap((check) => (check.status === 'pass' ? [] : [{ ...check, status: check.status }]))
  return (
    <Section title="Doctor">
      <Text as="p" color="gray" mb="2">
        {count(counts.pass)} checks pass, {count(counts.warn)} warn, {count(counts.fail)} fail.
        {findings.length > worst && (
          <>
            {' '}
            <Link to="/health">Show all</Link>
          </>
        )}
      </Text>
      <ul className="plain">
        {findings.slice(0, worst).map(({ id, status, description, evidence, remedy }) => (
          <li key={id}>
            <Status status={status} reason={id} /> <WithCode text={description} />
            <Text as="p" size="small" color="gray" className="break">
              <WithCode text={evidence} /> {remedy !== undefined && <WithCode text={remedy} />}
            </Text>
          </li>
        ))}
      </ul>
    </Section>
  )
}
