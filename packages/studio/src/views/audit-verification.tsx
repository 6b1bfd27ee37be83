/** The integrity of the audit log: its comparison with the last checkpoint at the start, and a verification of all records. */
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer, useClient } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, when } from '../format.ts'
import { ErrorNotice } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { WithCode } from '../parts/with-code.tsx'
import { visible } from '../visible.ts'

type Report = AnswerOf<'audit.verify'>
type Finding = Report['findings'][number]

const problems: Readonly<Record<Finding['kind'], string>> = {
  changed: 'Changed after it was recorded',
  missing: 'Missing: removed without a record that explains it',
  inserted: 'Added to the database without Troupe',
  reordered: 'Moved to another place',
  rewritten: 'Rewritten with its hashes: the next checkpoint does not match',
  truncated: 'Rolled back: the end of the log is missing',
  checkpoint: 'A checkpoint has no valid signature',
}

export function AuditVerification() {
  const client = useClient()
  const may = useMay()
  const health = useAnswer('operations.health', { enabled: may('operations.health') })
  const doctor = useAnswer('operations.doctor', { enabled: may('operations.doctor') })
  const [report, setReport] = useState<Report>()
  const { busy, error, run } = useCommand()
  const log = health.data?.checks.find(({ name }) => name === 'audit')
  const checkpoints = doctor.data?.checks.find(({ id }) => id === 'audit.checkpoints')
  const hasCheckpoints = checkpoints?.status === 'pass'
  const verify = () => run(async () => setReport(await client.call('audit.verify', { body: {} })))
  const button = may('audit.verify') && (
    <Button look="soft" aria-disabled={busy} onClick={() => void verify()}>
      {busy ? 'Verifying …' : 'Verify'}
    </Button>
  )
  return (
    <Section title="Verification" beside={button}>
      <div className="audit-states">
        {log && (
          <Text as="p" mb="1">
            <Status status={log.status} />{' '}
            {log.status === 'healthy'
              ? hasCheckpoints
                ? 'When it was opened, the log continued the last signed checkpoint.'
                : 'Nothing contradicts the log, and no signed checkpoint is there to compare it with.'
              : visible(log.message ?? 'The state of the log is not known.')}
          </Text>
        )}
        {checkpoints && (
          <Text as="p" mb="1">
            <Status status={checkpoints.status} />{' '}
            {hasCheckpoints ? (
              'The tree of records is signed at intervals.'
            ) : (
              <WithCode text={`${checkpoints.evidence} ${checkpoints.remedy ?? ''}`} />
            )}
          </Text>
        )}
      </div>
      <Text as="p" color="gray" mb="3">
        Each record has its place in a hash tree. Verify compares all records with the tree, and the tree with its
        signed checkpoints. <code>troupe audit verify</code> does it outside of this process, with the public key alone.
      </Text>
      {error && <ErrorNotice error={error} />}
      <div aria-live="polite">{report && <VerificationReport report={report} />}</div>
    </Section>
  )
}

function VerificationReport({ report }: { readonly report: Report }) {
  const { size, covered, checkpoints, signedAt, retired, erased, findings } = report
  const [first] = findings
  const isSigned = checkpoints > 0
  return (
    <>
      <Text as="p" mb="1">
        <Status status={first ? 'fail' : isSigned || size === 0 ? 'pass' : 'warn'} />{' '}
        {first ? (
          <b>{damageText(first)}</b>
        ) : isSigned ? (
          'No record was changed, removed or added.'
        ) : (
          'The records match their hashes. No signed checkpoint could be read, so a log that was rewritten with all its hashes would not be noticed.'
        )}
      </Text>
      <Text as="p" mb="2">
        {count(size)} {size === 1 ? 'record' : 'records'} checked
        {isSigned && `, the hashes of ${count(covered)} are as signed`}
        {signedAt !== undefined && ` (last checkpoint ${when(signedAt)})`}
        {retired > 0 && `, ${count(retired)} deleted by retention`}
        {erased > 0 && `, ${count(erased)} deleted with their user`}.
      </Text>
      {findings.length > 0 && <FindingTable findings={findings} />}
    </>
  )
}

/** Says since which record the log is damaged. */
function damageText({ n, record }: Finding): string {
  if (n === undefined) return 'The log is damaged.'
  const recordedAt = record && 'at' in record ? `, of ${when(record.at)}` : ''
  return n === 0 ? 'The log is damaged from its first record.' : `The log is damaged from record ${n + 1}${recordedAt}.`
}

function FindingTable({ findings }: { readonly findings: readonly Finding[] }) {
  return (
    <DataTable
      columns={[
        {
          header: 'Record',
          cell: fromRow(({ n, record }) =>
            record && 'at' in record ? (
              <Link to="/audit" search={(search) => ({ ...search, record: record.id, at: record.at })}>
                {n === undefined ? when(record.at) : count(n + 1)}
              </Link>
            ) : (
              n !== undefined && count(n + 1)
            ),
          ),
        },
        { header: 'Problem', cell: fromRow(({ kind }) => problems[kind]) },
        { header: 'Details', cell: fromRow(({ problem }) => visible(problem)), meta: { wideOnly: true, breaks: true } },
      ]}
      rows={findings}
      rowKey={({ kind, n, record, problem }) => `${kind} ${n} ${record?.id ?? problem}`}
    />
  )
}
