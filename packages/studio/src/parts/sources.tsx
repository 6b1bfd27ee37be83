/** Where a stored value comes from: the agent, the step and the call that made it, the entries that it had read, its labels. */
import { Link } from '@tanstack/react-router'
import { Fragment } from 'react'
import type { Entry } from '../api/shapes.ts'
import { visible } from '../visible.ts'
import { Breakable } from './breakable.tsx'
import { Facts } from './facts.tsx'
import { Text } from './ui.tsx'

interface SourcesProps {
  readonly of: Pick<Entry, 'provenance' | 'taint'>
}

/** The name of an agent, in words: `host` is what programs call the application. */
export const agentName = (agent: string): string => (agent === 'host' ? 'the application' : visible(agent))
/** The agent that made a value. */
export const makerOf = ({ provenance: { agent } }: Pick<Entry, 'provenance'>): string => agentName(agent)

export function Sources({ of }: SourcesProps) {
  const { provenance, taint } = of
  const { runId, stepId, effectId, readFrom = [], taintDeclared } = provenance
  return (
    <Facts
      facts={[
        ['Made by', makerOf(of)],
        ['Run', runId !== undefined && <RunLink key="run" run={runId} />],
        ['Step', runId !== undefined && stepId !== undefined && <StepLink key="step" run={runId} step={stepId} />],
        ['Call', effectId !== undefined && <code className="break">{visible(effectId)}</code>],
        ['Read before', readFrom.length > 0 && <EntryLinks key="read" versions={readFrom} />],
        ['Labels', taint.length > 0 && <Labels key="labels" taint={taint} isDeclared={taintDeclared === true} />],
      ]}
    />
  )
}

function RunLink({ run }: { readonly run: string }) {
  return (
    <Link to="/runs/$run" params={{ run }}>
      <code className="break">{visible(run)}</code>
    </Link>
  )
}

/** @param step the id of the step, or of its journal, as provenance names it */
export function StepLink({ run, step: named }: { readonly run: string; readonly step: string }) {
  const step = named.replace(`step:${run}/`, '')
  return (
    <Link to="/runs/$run" params={{ run }} search={{ tab: 'steps', step }}>
      {visible(step)}
    </Link>
  )
}

export function EntryLink({ entry, version }: { readonly entry: string; readonly version?: number | undefined }) {
  return (
    <Link to="/context" search={{ key: entry }}>
      {entry === '' ? '(the empty key)' : <Breakable name={entry} />}
      {version !== undefined && `, version ${version}`}
    </Link>
  )
}

/** The labels of a value, in a line of their own; nothing for a value without labels. */
export function LabelLine({ taint = [] }: { readonly taint?: readonly string[] | undefined }) {
  if (taint.length === 0) return null
  return (
    <Text as="p" size="small" color="gray" mb="2" className="break">
      Labels: <Labels taint={taint} />
    </Text>
  )
}

/** More are counted. */
const maxListed = 20

/** @param versions entries as `key@version` */
function EntryLinks({ versions }: { readonly versions: readonly string[] }) {
  const listed = versions.slice(0, maxListed)
  return (
    <>
      {listed.map((one, i) => {
        const at = one.lastIndexOf('@')
        return (
          <Fragment key={one}>
            {i > 0 && ' · '}
            <EntryLink entry={one.slice(0, at)} version={Number(one.slice(at + 1))} />
          </Fragment>
        )
      })}
      {versions.length > listed.length && ` and ${versions.length - listed.length} more`}
    </>
  )
}

interface LabelsProps {
  readonly taint: readonly string[]
  /** True if the writer has named them. */
  readonly isDeclared?: boolean
}

function Labels({ taint, isDeclared = false }: LabelsProps) {
  return (
    <>
      {taint.map((label) => (
        <Fragment key={label}>
          <span className="chip ask">{visible(label)}</span>{' '}
        </Fragment>
      ))}
      {isDeclared && 'named by the writer'}
    </>
  )
}
