import { Link } from '@tanstack/react-router'
import { useRef } from 'react'
import { isUnreachable } from '../api/is-problem.ts'
import { useAnswer } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count } from '../format.ts'
import { Answer, Loading, Nothing } from '../parts/answer.tsx'
import { checkDetails } from '../parts/check-details.ts'
import { RunTable } from '../parts/run-table.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Card, Flex, Heading, Text } from '../parts/ui.tsx'
import { UsageCharts, useUsageHistory } from '../parts/usage-charts.tsx'
import { visible } from '../visible.ts'
import { AllUsers } from './all-users.tsx'
import { OpenRequests, openRequests } from './open-requests.tsx'

const shown = ['running', 'waiting', 'completed', 'failed'] as const
const counted = 100

const newest = {
  any: { query: { limit: 10 } },
  failed: { query: { status: 'failed', limit: 5 } },
  running: { query: { status: 'running', limit: 5 } },
} as const

export function Home() {
  const ready = useAnswer('probes.ready', { every: 5_000 })
  return (
    <>
      <Flex align="center" gap="3" mb="4" wrap="wrap">
        <Heading as="h1">Home</Heading>
        <span role="status" aria-label="The server">
          {ready.error || ready.data?.status === 'not ready' ? (
            <Unready error={ready.error} />
          ) : (
            <Status status={ready.data?.status ?? 'connecting'} />
          )}
        </span>
      </Flex>
      <div className="figures">
        {shown.map((status) => (
          <Count key={status} status={status} />
        ))}
      </div>
      <Lists />
    </>
  )
}

/** The lists appear together, because one that came later would move those below it. */
function Lists() {
  const runs = useAnswer('runs.list', newest.any)
  const failed = useAnswer('runs.list', newest.failed)
  const running = useAnswer('runs.list', newest.running)
  const requests = useAnswer('approvals.list', openRequests)
  const usage = useUsageHistory('day')
  const access = useAnswer('access.get', {})
  const may = useMay()
  const appeared = useRef(false)
  appeared.current ||= [runs, failed, running, requests, usage, access].every(({ isPending }) => !isPending)
  if (!appeared.current) return <Loading />
  return (
    <>
      <OpenRequests />
      <SomeRuns title="Failed" status="failed" none="No run has failed." />
      <SomeRuns title="In progress" status="running" none="No run is in progress." />
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
      <UsageCharts isSmall />
      <Checks />
      <Doctor />
      <AllUsers />
    </>
  )
}

/** What it answered before says nothing of now. */
function Unready({ error }: { readonly error: Error | null }) {
  return <Status status="failed" reason={isUnreachable(error) ? 'cannot be reached' : 'not ready'} />
}

function Count({ status }: { readonly status: (typeof shown)[number] }) {
  const { data } = useAnswer('runs.list', { query: { status, limit: counted } })
  return (
    <Card>
      <Link to="/runs" search={{ status }} className="plain-link">
        <Text as="p" color="gray">
          {status}
        </Text>
        <Text as="p" size="large" bold>
          {data === undefined ? '…' : `${count(data.items.length)}${data.cursor === undefined ? '' : '+'}`}
        </Text>
      </Link>
    </Card>
  )
}

interface SomeRunsProps {
  readonly title: string
  readonly status: 'failed' | 'running'
  readonly none: string
}

/** The newest runs of a status. */
function SomeRuns({ title, status, none }: SomeRunsProps) {
  const { data } = useAnswer('runs.list', newest[status])
  return (
    <Section
      title={title}
      beside={
        <Link to="/runs" search={{ status }}>
          All that are {status}
        </Link>
      }
    >
      {data?.items.length ? <RunTable runs={data.items} /> : <Nothing>{none}</Nothing>}
    </Section>
  )
}

/** The checks that measure load: messages that wait, dead letters, workers. */
const loads = new Set(['queues', 'agents'])

/** The health of the process, which is about all users, for callers that may read it. */
function Checks() {
  const may = useMay()
  const isAllowed = may('operations.health')
  const health = useAnswer('operations.health', { every: 15_000, enabled: isAllowed })
  if (!isAllowed) return null
  return (
    <Section title="Health" beside={<Link to="/health">All checks</Link>}>
      <div className="health">
        <Answer of={health}>
          {({ checks }) => (
            <ul className="checks">
              {checks.map(({ name, status, message, details }) => (
                <li key={name}>
                  <Status status={status} /> {name}
                  {loads.has(name) && (
                    <Text as="p" size="small" color="gray" className="break">
                      {checkDetails(details)}
                    </Text>
                  )}
                  {message !== undefined && (
                    <Text as="p" size="small" color="gray" className="break">
                      {message}
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

/** What is missing for production, the most important first; for whoever may see it. */
function Doctor() {
  const may = useMay()
  const report = useAnswer('operations.doctor', { every: 60_000, enabled: may('operations.doctor') })
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
            <Status status={status} reason={id} /> {description}
            <Text as="p" size="small" color="gray" className="break">
              {visible(evidence)} {remedy !== undefined && visible(remedy)}
            </Text>
          </li>
        ))}
      </ul>
    </Section>
  )
}
