/** Health checks of the process, all findings of doctor, and the versions that run. */
import type { AnswerOf } from 'troupe/client'
import { isProblem } from '../api/is-problem.ts'
import { useAnswer, useForget } from '../api/use-api.tsx'
import { count, lasting, when } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { checkDetails, checkName } from '../parts/check-details.ts'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Text } from '../parts/ui.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { WithCode } from '../parts/with-code.tsx'
import { visible } from '../visible.ts'

export function Health() {
  const health = useAnswer('operations.health', { every: 5_000 })
  return (
    <>
      <ViewHeader title="Health" isOfAllUsers />
      {isProblem(health.error) && health.error.status === 403 ? (
        <Nothing>Health is about all users. This session belongs to one user: sign in with an operator's key.</Nothing>
      ) : (
        <>
          <Section title="Checks">
            <Answer of={health}>
              {({ status, uptimeMs, checks }) => (
                <>
                  <Text as="p" mb="2">
                    <Status status={status} /> The process has been up for {lasting(uptimeMs)}.
                  </Text>
                  <DataTable
                    columns={[
                      {
                        header: 'Check',
                        accessorFn: ({ name }) => name,
                        cell: fromRow(({ name, critical, message, details }) => (
                          <>
                            {checkName(name)} {critical && <Text color="gray">(critical)</Text>}
                            {message !== undefined && (
                              <Text as="p" size="small" color="gray" className="break">
                                {visible(message)}
                              </Text>
                            )}
                            <Text as="p" size="small" color="gray" className="break">
                              {checkDetails(details)}
                            </Text>
                          </>
                        )),
                        meta: { breaks: true },
                      },
                      {
                        header: 'Status',
                        accessorFn: ({ status }) => status,
                        cell: fromRow((check) => <Status status={check.status} />),
                      },
                      {
                        header: 'Took',
                        accessorFn: ({ durationMs }) => durationMs,
                        cell: fromRow(({ durationMs }) => lasting(durationMs)),
                        meta: { numeric: true, wideOnly: true },
                      },
                      {
                        header: 'Checked',
                        accessorFn: ({ checkedAt }) => checkedAt,
                        cell: fromRow(({ checkedAt }) => when(checkedAt)),
                        meta: { numeric: true, wideOnly: true },
                      },
                    ]}
                    rows={checks}
                    rowKey={({ name }) => name}
                  />
                </>
              )}
            </Answer>
          </Section>
          <Doctor />
          <Versions />
        </>
      )}
    </>
  )
}

const severity = { fail: 0, warn: 1, pass: 2 } as const

type DoctorCheck = AnswerOf<'operations.doctor'>['checks'][number]

function CheckTable({ checks }: { readonly checks: readonly DoctorCheck[] }) {
  if (checks.length === 0) return null
  return (
    <DataTable
      columns={[
        {
          header: 'Check',
          cell: fromRow(({ status, description, evidence, remedy }) => (
            <>
              <WithCode text={description} />
              <Text as="p" size="small" color="gray" className="break">
                <WithCode text={evidence} /> {status !== 'pass' && remedy !== undefined && <WithCode text={remedy} />}
              </Text>
            </>
          )),
          meta: { breaks: true },
        },
        { header: 'Result', cell: fromRow(({ status }) => <Status status={status} />) },
      ]}
      rows={checks}
      rowKey={({ id }) => id}
    />
  )
}

function Doctor() {
  const report = useAnswer('operations.doctor', {})
  const forget = useForget()
  const check = (
    <Button small look="soft" onClick={() => forget('operations.doctor', {})}>
      Check now
    </Button>
  )
  return (
    <Section title="Doctor" beside={check}>
      <Answer of={report}>
        {({ counts, checks }) => (
          <>
            <Text as="p" color="gray" mb="2">
              {count(counts.pass)} checks pass, {count(counts.warn)} warn, {count(counts.fail)} fail.
            </Text>
            <CheckTable
              checks={checks
                .filter(({ status }) => status !== 'pass')
                .sort((a, b) => severity[a.status] - severity[b.status])}
            />
            <details className="disclosure">
              <summary>Checks that pass: {count(counts.pass)}</summary>
              <CheckTable checks={checks.filter(({ status }) => status === 'pass')} />
            </details>
          </>
        )}
      </Answer>
    </Section>
  )
}

function Versions() {
  const versions = useAnswer('operations.versions', {})
  return (
    <Section title="Versions">
      <Answer of={versions}>
        {({ build, journal, schemas }) => (
          <>
            <Text as="p" mb="2">
              Build {visible(build)}. Journals: writes form {journal.writes}, reads form {journal.reads}.
            </Text>
            <Text as="p" color="gray" className="break">
              Tables: {schemas.map((schema) => `${schema.module} ${schema.version}`).join(', ')}.
            </Text>
          </>
        )}
      </Answer>
    </Section>
  )
}
