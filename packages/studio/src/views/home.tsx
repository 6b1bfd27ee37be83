import { Link } from '@tanstack/react-router'
import { isUnreachable } from '../api/is-problem.ts'
import type { Approval } from '../api/shapes.ts'
import { useAnswer, useForget } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, spent, tokens } from '../format.ts'
import { Age } from '../parts/age.tsx'
import { Answer } from '../parts/answer.tsx'
import { Ask } from '../parts/ask.tsx'
import { RunTable } from '../parts/run-table.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Card, Flex, Heading, Text } from '../parts/ui.tsx'
import { UsageCharts } from '../parts/usage-charts.tsx'
import { visible } from '../visible.ts'

const shown = ['running', 'waiting', 'completed', 'failed'] as const
const counted = 100

export function Home() {
  const runs = useAnswer('runs.list', { query: { limit: 10 } })
  const may = useMay()
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
      <Waiting />
      <SomeRuns title="Failed" status="failed" />
      <SomeRuns title="In progress" status="running" />
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

/** The newest of them, and nothing where there are none. */
function SomeRuns({ title, status }: { readonly title: string; readonly status: (typeof shown)[number] }) {
  const { data } = useAnswer('runs.list', { query: { status, limit: 5 } })
  if (data === undefined || data.items.length === 0) return null
  return (
    <Section
      title={title}
      beside={
        <Link to="/runs" search={{ status }}>
          All that are {status}
        </Link>
      }
    >
      <RunTable runs={data.items} />
    </Section>
  )
}

/** What a person is asked, answered here. */
function Waiting() {
  const { data } = useAnswer('approvals.list', { query: { limit: counted } })
  const forget = useForget()
  const asking = data?.items.filter(({ questions, uncertain }) => questions.length + uncertain.length > 0) ?? []
  if (asking.length === 0) return null
  return (
    <Section title="Waiting for a person">
      <ul className="plain">
        {asking.map((one) => (
          <li key={one.run}>
            <Text as="p" mb="2" className="break">
              <Link to="/runs/$run" params={{ run: one.run }}>
                {visible(one.title) || one.run}
              </Link>{' '}
              <Text color="gray">
                {aboutRun(one)}
                <Age of={one.createdAt} /> old
              </Text>
            </Text>
            {one.questions.map((question) => (
              <Ask key={question.id} run={one.run} question={question} answered={() => forget('approvals.list', {})} />
            ))}
            {one.uncertain.map(({ step, call, name }) => (
              <Card key={`${step} ${call}`} className="question">
                <Text as="p" className="break">
                  {step} is uncertain: it is unknown whether {visible(name)} happened
                </Text>
              </Card>
            ))}
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

/** Of everybody's, for whoever may see it. */
function Checks() {
  const may = useMay()
  const isAllowed = may('operations.health')
  const health = useAnswer('operations.health', { every: 15_000, enabled: isAllowed })
  if (!isAllowed) return null
  return (
    <Section title="Health" beside={<Link to="/health">All checks</Link>}>
      <Answer of={health}>
        {({ checks }) => (
          <ul className="checks">
            {checks.map(({ name, status, message }) => (
              <li key={name}>
                <Status status={status} /> {name}
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
