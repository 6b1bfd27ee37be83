/** A conversation with a team or an agent. Each message is a run of its own, which takes the messages before along. */
import { useEffect, useState } from 'react'
import type { Result } from '../api/shapes.ts'
import { useAnswer, useClient, useForget, useStream } from '../api/use-api.tsx'
import { asText } from '../format.ts'
import { Answer, ErrorNotice, Nothing } from '../parts/answer.tsx'
import { Ask } from '../parts/ask.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Card, Flex, Heading, Notice, Select, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { linkTo, useSought } from '../route.ts'
import { visible } from '../visible.ts'

interface Turn {
  readonly text: string
  readonly run: string
}
interface Exchange {
  readonly asked: string
  readonly answered: string
}

/** What runs of a conversation are found by in the list. */
const tag = 'chat'

/** Plain text: an agent takes it whatever its input is made for. */
const withHistory = (before: readonly Exchange[], text: string): string =>
  before.length === 0
    ? text
    : `${before.map(({ asked, answered }) => `User: ${asked}\nAnswer: ${answered}`).join('\n')}\nUser: ${text}`

export function Chat() {
  const { of, seek } = useSought()
  const teams = useAnswer('teams.list', {})
  const agents = useAnswer('agents.list', {})
  const names = [...new Set([...(teams.data?.items ?? []), ...(agents.data?.items ?? [])].map(({ name }) => name))]
  const partner = of('with') || names[0]
  return (
    <>
      <Heading as="h1" mb="4">
        Chat
      </Heading>
      <Flex gap="2" align="center" mb="3" wrap="wrap">
        <Text as="p" bold id="partner">
          Team or agent
        </Text>
        <Select
          labelledBy="partner"
          placeholder="None is known here"
          value={partner}
          onChoose={(name) => seek({ with: name })}
          options={names.map((name) => ({ value: name, label: name }))}
        />
      </Flex>
      {partner !== undefined && <Thread key={partner} partner={partner} />}
    </>
  )
}

function Thread({ partner }: { readonly partner: string }) {
  const client = useClient()
  const [turns, setTurns] = useState<readonly Turn[]>([])
  const [answers, setAnswers] = useState<ReadonlyMap<string, string>>(new Map())
  const [text, setText] = useState('')
  const { busy, error, run } = useCommand()
  const send = () =>
    run(async () => {
      const before = turns.flatMap((turn) => {
        const answered = answers.get(turn.run)
        return answered === undefined ? [] : [{ asked: turn.text, answered }]
      })
      const task = withHistory(before, text)
      const begun = await client.call('runs.start', { body: { team: partner, task, tags: [tag] } })
      setTurns((all) => [...all, { text, run: begun.run }])
      setText('')
    })
  const answered = (id: string, answer: string) =>
    setAnswers((known) => (known.get(id) === answer ? known : new Map(known).set(id, answer)))
  const last = turns.at(-1)
  const isBusy = busy || (last !== undefined && !answers.has(last.run))
  return (
    <>
      {turns.length === 0 && <Nothing>Write a message: {visible(partner)} answers it here.</Nothing>}
      <ol className="chat" aria-label={`Conversation with ${visible(partner)}`} aria-live="polite">
        {turns.map((turn) => (
          <li key={turn.run}>
            <Card className="mine" mb="2">
              <Text as="p" className="said break">
                {visible(turn.text)}
              </Text>
            </Card>
            <Reply run={turn.run} from={partner} answered={(answer) => answered(turn.run, answer)} />
          </li>
        ))}
      </ol>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim() !== '' && !isBusy) void send()
        }}
      >
        <textarea
          aria-label="Message"
          rows={3}
          value={text}
          onChange={({ target }) => setText(target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
            event.preventDefault()
            event.currentTarget.form?.requestSubmit()
          }}
        />
        <Flex gap="2" mt="2" align="center" wrap="wrap">
          <Button type="submit" disabled={text.trim() === ''} aria-disabled={isBusy}>
            Send
          </Button>
          {turns.length > 0 && (
            <Button look="soft" onClick={() => setTurns([])}>
              New conversation
            </Button>
          )}
          <Text size="small" color="gray">
            Enter sends, Shift and Enter begins a line
          </Text>
        </Flex>
      </form>
      {error && <ErrorNotice error={error} />}
    </>
  )
}

interface ReplyProps {
  readonly run: string
  readonly from: string
  readonly answered: (text: string) => void
}

const isTextPart = (part: unknown): part is { readonly type: string; readonly delta?: string } =>
  typeof part === 'object' && part !== null && 'type' in part

function Reply({ run, from, answered }: ReplyProps) {
  const forget = useForget()
  const path = { run }
  const result = useAnswer('runs.result', { path })
  const [streamed, setStreamed] = useState('')
  useStream(
    'runs.live',
    { path },
    {
      onEvent: ({ data: { part } }) => {
        if (!isTextPart(part)) return
        if (part.type === 'reset') setStreamed('')
        else if (part.type === 'text-delta') setStreamed((before) => before + (part.delta ?? ''))
      },
      isOver: () => result.data !== undefined && isEnded(result.data),
    },
  )
  const found: Result | undefined = result.data
  const text = found && isEnded(found) ? answerOf(found) : streamed
  const over = found !== undefined && isEnded(found)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the callback is another one at each drawing
  useEffect(() => {
    if (over) answered(text)
  }, [over, text])
  return (
    <Card mb="3" role="group" aria-label={`Answer of ${visible(from)}`}>
      <Answer of={result}>
        {({ status, reason, questions = [], error }: Result) => (
          <>
            {error ? (
              <Notice color="red" mb="2">
                <p>{visible(error.message)}</p>
              </Notice>
            ) : (
              <Text as="p" className="said break" mb="2">
                {visible(text)}
              </Text>
            )}
            {questions.map((question) => (
              <Ask key={question.id} run={run} question={question} answered={() => forget('runs.result', { path })} />
            ))}
            <Text as="p" size="small" color="gray">
              <Status status={status} reason={reason} /> <a href={linkTo('runs', run)}>its run</a>
            </Text>
          </>
        )}
      </Answer>
    </Card>
  )
}

const isEnded = ({ status }: Result): boolean => status !== 'running' && status !== 'waiting'
const answerOf = ({ response, error }: Result): string =>
  error ? error.message : response === undefined || response === null ? '' : asText(response)
