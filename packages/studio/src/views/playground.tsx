/**
 * Executes recorded runs again with other instructions or another model, and shows both answers. The server executes them in
 * memory and answers tools and effects from the record, so nothing happens outside; only model calls are paid. Its other part
 * executes one recorded tool call with other arguments.
 */
import { useEffect, useRef, useState } from 'react'
import type { StreamData } from 'troupe/client'
import { agentsOf, pinnedTopology, type Result } from '../api/shapes.ts'
import { useAnswer, useClient } from '../api/use-api.tsx'
import { useMay, useMayNot } from '../api/use-may.ts'
import { count, money } from '../format.ts'
import { ErrorNotice, Nothing } from '../parts/answer.tsx'
import { contentText } from '../parts/content-text.ts'
import { emptyListText } from '../parts/empty-list-text.ts'
import { RunName } from '../parts/run-name.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { Button, Card, Flex, Select, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { Value } from '../parts/value.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { playgroundRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { ChangeFields, editOf, useChange } from './change-fields.tsx'
import { PlaygroundCall } from './playground-call.tsx'

type EvaluatedRun = Extract<StreamData<'runs.evaluate'>, { readonly done: number }>['run']

const counts = ['1', '5', '20'] as const

/** The hint of the error names an option of the API, which the page does not have. */
const unrecordedHint =
  'The change leads to a call that this run has not made. Open the run and press “Fork…” to make it with its tools, or change less and press “Run again”.'

export function Playground() {
  const { run, team: named, tab = 'prompt' } = playgroundRoute.useSearch()
  const navigate = playgroundRoute.useNavigate()
  const may = useMay()
  const isForbidden = useMayNot(tab === 'prompt' ? 'runs.evaluate' : 'runs.callTool')
  const tabs = [
    { tab: 'prompt' as const, name: 'Instructions and model', needs: 'runs.evaluate' as const },
    { tab: 'call' as const, name: 'Tool call', needs: 'runs.callTool' as const },
  ]
  return (
    <>
      <ViewHeader title="Playground" />
      <Tabs label="Parts of the playground" tabs={tabs.filter(({ needs }) => may(needs))} current={tab} />
      <Text as="p" color="gray" my="3">
        {tab === 'prompt'
          ? 'Executes recorded runs again with a change. Tools and effects are answered from the record: nothing happens outside, and only model calls are paid.'
          : 'Executes one recorded tool call with other arguments. The tool is really called, with the rights, policies and approvals of its agent.'}
      </Text>
      {run !== undefined && (
        <Flex gap="2" wrap="wrap" align="center" mb="2">
          <Text>Run</Text>
          <RunName run={run} />
          <Button small look="soft" onClick={() => void navigate({ search: { tab } })}>
            Other runs
          </Button>
        </Flex>
      )}
      {isForbidden ? (
        <Nothing>Your role may not execute recorded runs or calls again.</Nothing>
      ) : tab === 'prompt' ? (
        <Changed key={run} run={run} named={named} />
      ) : (
        <PlaygroundCall />
      )}
    </>
  )
}

interface ChangedProps {
  readonly run: string | undefined
  /** The team that was chosen; the first one by default. */
  readonly named: string | undefined
}

function Changed({ run, named }: ChangedProps) {
  const client = useClient()
  const navigate = playgroundRoute.useNavigate()
  const teams = useAnswer('teams.list', {})
  const team = named ?? teams.data?.items[0]?.name
  const started = useAnswer('runs.at', { path: { run: run ?? '', seq: 1 }, enabled: run !== undefined })
  const agents =
    run === undefined
      ? (teams.data?.items.find(({ name }) => name === team)?.agents ?? [])
      : agentsOf(pinnedTopology(started.data?.event))
  const listError = run === undefined ? teams.error : started.error
  const change = useChange(agents, 'prompt')
  const [limit, setLimit] = useState<(typeof counts)[number]>('1')
  const [results, setResults] = useState<readonly EvaluatedRun[]>([])
  const stopped = useRef<AbortController>(undefined)
  // Nothing shows the answers that would still be paid.
  useEffect(() => () => stopped.current?.abort(), [])
  const { busy, error, run: carryOut } = useCommand()
  const edit = editOf(change)
  const start = () =>
    carryOut(async () => {
      if (edit === undefined) return
      setResults([])
      const control = new AbortController()
      stopped.current = control
      const body = {
        runs: run === undefined ? { team, status: 'completed' as const, order: 'newest' as const } : [run],
        change: edit,
        score: 'exact' as const,
        limit: run === undefined ? Number(limit) : 1,
      }
      try {
        for await (const { data } of client.stream('runs.evaluate', { body, signal: control.signal }))
          if ('run' in data) setResults((before) => [...before, data.run])
      } catch (problem) {
        if (!control.signal.aborted) throw problem
      }
    })
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (edit !== undefined && !busy) void start()
        }}
      >
        {run === undefined && (
          <Flex gap="2" wrap="wrap" align="center" mb="2">
            <Text>Runs of</Text>
            <Select
              label="Team"
              placeholder={emptyListText(teams, 'No team is registered')}
              value={team}
              onChoose={(name) => void navigate({ search: { team: name } })}
              options={(teams.data?.items ?? []).map(({ name }) => ({ value: name, label: visible(name) }))}
            />
            <Select
              label="Number of runs"
              value={limit}
              onChoose={setLimit}
              options={counts.map((value) => ({
                value,
                label: value === '1' ? 'the newest run' : `the newest ${value} runs`,
              }))}
            />
          </Flex>
        )}
        <ChangeFields change={change} kinds={['prompt', 'model']} />
        <Flex gap="2" mt="2">
          <Button type="submit" aria-disabled={busy} disabled={edit === undefined || (run ?? team) === undefined}>
            Run again
          </Button>
          {busy && (
            <Button look="danger" onClick={() => stopped.current?.abort()}>
              Stop
            </Button>
          )}
        </Flex>
      </form>
      {listError && <ErrorNotice error={listError} />}
      {error && <ErrorNotice error={error} />}
      <div aria-live="polite">
        {results.length === 0 ? (
          <Nothing>
            {busy ? 'The first run is executed.' : 'The answers before and after the change appear here.'}
          </Nothing>
        ) : (
          <ul className="plain">
            {results.map((one) => (
              <li key={one.run}>
                <Compared result={one} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  )
}

const sideText = ({ steps, tokens, cost }: NonNullable<EvaluatedRun['original']>): string =>
  `${count(steps)} ${steps === 1 ? 'step' : 'steps'}, ${count(tokens)} tokens, ${money(cost)}`

function Compared({
  result: { run, status, original, candidate, response, error, unrecorded },
}: {
  readonly result: EvaluatedRun
}) {
  const before = useAnswer('runs.result', { path: { run } }).data as Result | undefined
  return (
    <Card role="group" aria-label={`Run ${run}`}>
      <Text as="p" mb="2" className="break">
        <RunName run={run} />{' '}
        {status === 'scored' && (original?.quality === candidate?.quality ? 'same answer' : 'another answer')}
        {status === 'skipped' && 'not executed: the budget was used up'}
      </Text>
      {error && (
        <Text as="p" color="red" className="break">
          {visible(error.message)} {error.code === 'evaluation.unrecorded' ? unrecordedHint : error.hint}
        </Text>
      )}
      {unrecorded.length > 0 && (
        <Text as="p" color="gray">
          It made {count(unrecorded.length)} {unrecorded.length === 1 ? 'call' : 'calls'} that the record does not
          answer.
        </Text>
      )}
      <div className="beside">
        <Side run={run} name="Before" total={original} answer={before?.response} />
        {status === 'scored' && <Side run={run} name="After" total={candidate} answer={response} />}
      </div>
    </Card>
  )
}

interface SideProps {
  readonly run: string
  readonly name: 'Before' | 'After'
  readonly total: EvaluatedRun['original'] | undefined
  readonly answer: unknown
}

function Side({ run, name, total, answer }: SideProps) {
  return (
    <div>
      <Text as="p" bold>
        {name}
      </Text>
      <Text as="p" size="small" color="gray" mb="1">
        {total ? sideText(total) : ''}
      </Text>
      {answer !== undefined && <Value value={contentText(answer)} label={`Answer of ${run} ${name.toLowerCase()}`} />}
    </div>
  )
}
