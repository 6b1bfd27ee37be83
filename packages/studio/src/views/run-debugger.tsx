/** Debugger of a run that has not ended: breakpoints, single steps, and edits of what comes next. */
import { useState } from 'react'
import type { AnswerOf, OperationRequest } from 'troupe/client'
import { agentsOf, type Topology } from '../api/shapes.ts'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { asText } from '../format.ts'
import { Answer, ErrorNotice, Nothing } from '../parts/answer.tsx'
import { fromText } from '../parts/from-text.ts'
import { Button, Card, Flex, Select, Text } from '../parts/ui.tsx'
import { type Doing, useCommand } from '../parts/use-command.ts'
import { Value } from '../parts/value.tsx'
import { visible } from '../visible.ts'

type Inspection = AnswerOf<'runs.inspect'>
type Edit = NonNullable<OperationRequest<'runs.edit'>['body']>

const kinds = [
  { value: 'agent', label: 'Before each step of an agent' },
  { value: 'tool', label: 'Before each call of a tool' },
  { value: 'error', label: 'At each error of a step' },
] as const
type Kind = (typeof kinds)[number]['value']

interface DebuggerProps {
  readonly run: string
  readonly topology: Topology | undefined
  readonly isAtBreakpoint: boolean
}

export function RunDebugger({ run, topology, isAtBreakpoint }: DebuggerProps) {
  return (
    <>
      <Breakpoints run={run} topology={topology} />
      {isAtBreakpoint && <NextSteps run={run} />}
    </>
  )
}

/** Replaces the breakpoints of the run and of its child runs. */
function Breakpoints({ run, topology }: Omit<DebuggerProps, 'isAtBreakpoint'>) {
  const client = useClient()
  const { busy, error, run: carryOut } = useCommand()
  const [kind, setKind] = useState<Kind>('agent')
  const [agent, setAgent] = useState<string>()
  const [tool, setTool] = useState('')
  const [done, setDone] = useState('')
  const names = agentsOf(topology)
  const of = agent ?? names[0] ?? ''
  const breakOn = kind === 'error' ? ('error' as const) : kind === 'agent' ? { agent: of } : { tool: tool.trim() }
  const isMissing = kind === 'agent' ? of === '' : kind === 'tool' && tool.trim() === ''
  const set = (wanted: typeof breakOn | [], text: string) =>
    carryOut(async () => {
      setDone('')
      await client.call('runs.setBreakpoints', { path: { run }, body: { breakOn: wanted } })
      setDone(text)
    })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!isMissing) void set(breakOn, 'The run stops there from now on.')
      }}
    >
      <Flex gap="2" wrap="wrap" align="center" mb="2">
        <Select label="Stop" value={kind} onChoose={setKind} options={kinds} />
        {kind === 'agent' && (
          <Select
            label="Agent"
            value={of}
            onChoose={setAgent}
            options={names.map((name) => ({ value: name, label: name }))}
          />
        )}
        {kind === 'tool' && (
          <input
            aria-label="Tool"
            placeholder="Name of a tool"
            value={tool}
            onChange={({ target }) => setTool(target.value)}
          />
        )}
        <Button type="submit" look="soft" disabled={isMissing} aria-disabled={busy}>
          Set breakpoint
        </Button>
        <Button look="soft" aria-disabled={busy} onClick={() => set([], 'The run stops at no breakpoint any more.')}>
          Remove breakpoints
        </Button>
      </Flex>
      <div role="status">{done && <Text as="p">{done}</Text>}</div>
      {error && <ErrorNotice error={error} />}
    </form>
  )
}

function NextSteps({ run }: { readonly run: string }) {
  const client = useClient()
  const forget = useForget()
  const command = useCommand()
  const path = { run }
  const inspected = useAnswer('runs.inspect', { path })
  const refresh = () => {
    forget('runs.inspect', { path })
    forget('runs.result', { path })
  }
  const step = () =>
    command.run(async () => {
      await client.call('runs.step', { path, body: {} })
      refresh()
    })
  const edit = (body: Edit) =>
    command.run(async () => {
      await client.call('runs.edit', { path, body })
      refresh()
    })
  return (
    <Answer of={inspected}>
      {({ breakpoint, next }) => (
        <>
          <Flex gap="2" wrap="wrap" align="center" mb="2">
            <Text className="break">{breakpointText(breakpoint)}</Text>
            <Button look="soft" aria-disabled={command.busy} onClick={step}>
              Execute one step
            </Button>
          </Flex>
          {next.steps.length + next.failures.length === 0 && <Nothing>No step is ready to start.</Nothing>}
          {next.failures.map((failed) => (
            <EditCard
              key={failed.step}
              title={`${visible(failed.agent)} failed: ${visible(failed.error.message)}`}
              label={`Result of ${failed.step}`}
              button="Use this result"
              value={undefined}
              command={command}
              save={(value) => edit({ results: { [failed.step]: value } })}
            />
          ))}
          {next.steps.map((ready) => (
            <EditCard
              key={ready.step}
              title={`${visible(ready.agent)} starts next, as ${ready.step}`}
              label={`Input of ${ready.step}`}
              button="Use this input"
              value={ready.input}
              command={command}
              save={(value) => edit({ inputs: { [ready.branch]: value } })}
            />
          ))}
          {command.error && <ErrorNotice error={command.error} />}
        </>
      )}
    </Answer>
  )
}

const breakpointText = (breakpoint: Inspection['breakpoint']): string =>
  breakpoint === undefined
    ? 'The run is paused.'
    : `The run stands at ${breakpoint.step} of ${visible(breakpoint.agent)} (${breakpoint.on}).`

interface EditCardProps {
  readonly title: string
  readonly label: string
  readonly button: string
  readonly value: unknown
  readonly command: Doing
  readonly save: (value: never) => Promise<void>
}

function EditCard({ title, label, button, value, command, save }: EditCardProps) {
  const before = value === undefined ? '' : asText(value)
  const [text, setText] = useState(before)
  return (
    <Card mb="2" role="group" aria-label={title}>
      <Text as="p" mb="2" className="break">
        {title}
      </Text>
      {value !== undefined && <Value value={value} label={`${label}, as it is`} />}
      <textarea aria-label={label} rows={3} value={text} onChange={({ target }) => setText(target.value)} />
      <Button
        look="soft"
        mt="2"
        aria-disabled={command.busy}
        disabled={text === before}
        onClick={() => save(fromText(text) as never)}
      >
        {button}
      </Button>
    </Card>
  )
}
