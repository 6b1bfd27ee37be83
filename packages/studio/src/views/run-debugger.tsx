/** Debugger of a run that has not ended: breakpoints, single steps, and edits of what comes next. */
import { Suspense, useState } from 'react'
import type { AnswerOf, OperationRequest } from 'troupe/client'
import { agentsOf } from '../api/shapes.ts'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { asText, count } from '../format.ts'
import { Answer, ErrorNotice, Loading, Nothing } from '../parts/answer.tsx'
import { fromText } from '../parts/from-text.ts'
import { JsonNote } from '../parts/json-note.tsx'
import { lazyPart } from '../parts/load-part.ts'
import { Button, Card, Flex, Select, Text } from '../parts/ui.tsx'
import { type Doing, useCommand } from '../parts/use-command.ts'
import type { BreakOn, RunState } from '../run-state.ts'
import { visible } from '../visible.ts'

const JsonEditor = lazyPart(() => import('../parts/json-editor.tsx'))

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
  readonly state: RunState
  readonly isAtBreakpoint: boolean
}

export function RunDebugger({ run, state, isAtBreakpoint }: DebuggerProps) {
  return (
    <>
      <Breakpoints run={run} state={state} />
      {isAtBreakpoint && <NextSteps run={run} />}
    </>
  )
}

/** Returns where a run stops, in words. */
function breakOnText(breakpoint: BreakOn): string {
  if (breakpoint.on === 'agent') return `before each step of ${visible(breakpoint.agent)}`
  if (breakpoint.on === 'tool') return `before each call of ${visible(breakpoint.tool)}`
  return breakpoint.on === 'error' ? 'at each error of a step' : `after event ${count(breakpoint.seq)}`
}

/** Replaces the breakpoints of the run and of its child runs. */
function Breakpoints({ run, state: { topology, breakpoints } }: Omit<DebuggerProps, 'isAtBreakpoint'>) {
  const client = useClient()
  const { busy, error, run: carryOut } = useCommand()
  const [kind, setKind] = useState<Kind>('agent')
  const [agent, setAgent] = useState<string>()
  const [tool, setTool] = useState('')
  const names = agentsOf(topology)
  const of = agent ?? names[0] ?? ''
  const breakOn = kind === 'error' ? ('error' as const) : kind === 'agent' ? { agent: of } : { tool: tool.trim() }
  const isMissing = kind === 'agent' ? of === '' : kind === 'tool' && tool.trim() === ''
  const set = (wanted: typeof breakOn | []) =>
    carryOut(() => client.call('runs.setBreakpoints', { path: { run }, body: { breakOn: wanted } }))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!isMissing) void set(breakOn)
      }}
    >
      <Flex gap="2" wrap="wrap" align="center" mb="2">
        <Select label="Stop" value={kind} onChoose={setKind} options={kinds} />
        {kind === 'agent' && (
          <Select
            label="Agent"
            value={of}
            onChoose={setAgent}
            options={names.map((name) => ({ value: name, label: visible(name) }))}
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
        <Button look="soft" aria-disabled={busy} onClick={() => set([])}>
          Remove breakpoints
        </Button>
      </Flex>
      <Text as="p" mb="2" className="break" role="status">
        {breakpoints.length === 0
          ? 'The run has no breakpoint.'
          : `The run stops ${breakpoints.map(breakOnText).join(', and ')}. Another breakpoint replaces this.`}
      </Text>
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
              title={`${visible(ready.agent)} starts next, as step ${ready.step}`}
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
    : breakpoint.on === 'error'
      ? `The run waits at the error of step ${breakpoint.step} of ${visible(breakpoint.agent)}.`
      : `The run waits before step ${breakpoint.step} of ${visible(breakpoint.agent)}.`

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
  // The button stays focusable: it goes off with its own press.
  const isOff = command.busy || text === before
  return (
    <Card mb="2" role="group" aria-label={title}>
      <Text as="p" mb="2" className="break">
        {title}
      </Text>
      <Text as="p" bold>
        {label}
      </Text>
      <Suspense fallback={<Loading />}>
        <JsonEditor label={label} text={before} onChange={setText} takesFocus={false} />
      </Suspense>
      <JsonNote text={text} />
      <Button look="soft" mt="2" aria-disabled={isOff} onClick={() => isOff || save(fromText(text) as never)}>
        {button}
      </Button>
    </Card>
  )
}
