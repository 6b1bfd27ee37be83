/**
 * A thread with a team or an agent. Each message is a run, which takes the messages before along; the tags of its runs
 * hold a thread together, so it lasts, and its address opens it again.
 */
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Result, Summary } from '../api/shapes.ts'
import { useAnswer, useAnswers, useClient, useForget } from '../api/use-api.tsx'
import { inShort } from '../format.ts'
import { Age } from '../parts/age.tsx'
import { ErrorNotice, Nothing } from '../parts/answer.tsx'
import { contentText } from '../parts/content-text.ts'
import { type ChosenFile, FileChooser } from '../parts/file-chooser.tsx'
import { Files } from '../parts/files.tsx'
import { Button, Card, Flex, Heading, Select, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { chatRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { ChatReply, replyText } from './chat-reply.tsx'
import './chat.css'

interface Exchange {
  readonly asked: string
  readonly answered: string
}

/** What runs of threads are found by in the list. */
const tag = 'chat'
const threadTag = 'thread:'
/** Of one thread, and of all that are listed. */
const maxTurns = 100

/** Plain text: an agent takes it whatever its input is made for. */
const historyText = (before: readonly Exchange[]): string =>
  before.length === 0
    ? ''
    : `${before.map(({ asked, answered }) => `User: ${asked}\nAnswer: ${answered}`).join('\n')}\nUser: `

const taskOf = (text: string, files: readonly ChosenFile[]): unknown =>
  files.length === 0 ? text : [{ type: 'text', text }, ...files.map((file) => ({ type: 'file', ...file }))]

export function Chat() {
  const { with: chosen, thread } = chatRoute.useSearch()
  const navigate = chatRoute.useNavigate()
  const teams = useAnswer('teams.list', {})
  const agents = useAnswer('agents.list', {})
  const names = [...new Set([...(teams.data?.items ?? []), ...(agents.data?.items ?? [])].map(({ name }) => name))]
  const partner = chosen ?? names[0]
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
          onChoose={(name) => void navigate({ search: { with: name } })}
          options={names.map((name) => ({ value: name, label: name }))}
        />
        {thread !== undefined && (
          <Button look="soft" onClick={() => void navigate({ search: { with: partner } })}>
            New thread
          </Button>
        )}
      </Flex>
      {partner !== undefined && (
        <div className="with-threads">
          <div>
            <Thread key={`${partner} ${thread}`} partner={partner} thread={thread} />
          </div>
          <Threads partner={partner} />
        </div>
      )}
    </>
  )
}

const threadOf = ({ tags }: Summary): string | undefined =>
  tags.find((one) => one.startsWith(threadTag))?.slice(threadTag.length)

/** The threads with a team or an agent, the newest first, by their first message. */
function Threads({ partner }: { readonly partner: string }) {
  const runs = useAnswer('runs.list', { query: { tags: tag, team: partner, limit: maxTurns } })
  const threads = new Map<string, Summary>()
  for (const run of runs.data?.items ?? []) {
    const thread = threadOf(run)
    if (thread !== undefined) threads.set(thread, run)
  }
  if (threads.size === 0) return null
  return (
    <nav className="threads" aria-label="Threads">
      <Text as="p" bold mb="1">
        Threads
      </Text>
      <ul className="plain">
        {[...threads].map(([thread, first]) => (
          <li key={thread}>
            <Link to="/chat" search={{ with: partner, thread }}>
              {inShort(first.title, 60) || thread}
            </Link>{' '}
            <Text size="small" color="gray">
              <Age of={first.createdAt} />
            </Text>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** Unique for one user; a page over plain HTTP has no `crypto.randomUUID`. */
const newThread = () => [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join('')

interface Turn {
  readonly run: string
  readonly text: string
  readonly task: unknown
  readonly result: Result | undefined
}

/** The messages of a thread in their order, with what was answered. */
function useTurns(thread: string | undefined): { readonly turns: readonly Turn[]; readonly error: Error | null } {
  const runs = useAnswer('runs.list', {
    query: { tags: `${tag},${threadTag}${thread}`, order: 'oldest', limit: maxTurns },
    enabled: thread !== undefined,
  })
  const ids = thread === undefined ? [] : (runs.data?.items ?? []).map(({ id }) => id)
  const starts = useAnswers(
    'runs.at',
    ids.map((run) => ({ path: { run, seq: 1 } })),
  )
  const results = useAnswers(
    'runs.result',
    ids.map((run) => ({ path: { run } })),
  )
  const before: Exchange[] = []
  const turns: Turn[] = []
  for (const [i, run] of ids.entries()) {
    const start = starts[i]?.data
    if (start === undefined) break
    const { task } = start.event as { readonly task?: unknown }
    const sent = contentText(task)
    const history = historyText(before)
    const text = sent.startsWith(history) ? sent.slice(history.length) : sent
    const result = results[i]?.data
    const answered = result && replyText(result)
    if (answered !== undefined) before.push({ asked: text, answered })
    turns.push({ run, text, task, result })
  }
  return { turns, error: runs.error ?? starts.find(({ error }) => error)?.error ?? null }
}

function Thread({ partner, thread }: { readonly partner: string; readonly thread: string | undefined }) {
  const client = useClient()
  const forget = useForget()
  const navigate = chatRoute.useNavigate()
  const { turns, error: unread } = useTurns(thread)
  const [text, setText] = useState('')
  const [files, setFiles] = useState<readonly ChosenFile[]>([])
  const { busy, error, run } = useCommand()
  const send = () =>
    run(async () => {
      const before = turns.flatMap(({ text: asked, result }) => {
        const answered = result && replyText(result)
        return answered === undefined ? [] : [{ asked, answered }]
      })
      const id = thread ?? newThread()
      const task = taskOf(`${historyText(before)}${text}`, files)
      await client.call('runs.start', { body: { team: partner, task, tags: [tag, `${threadTag}${id}`] } })
      forget('runs.list', {})
      setText('')
      setFiles([])
      await navigate({ search: { with: partner, thread: id } })
    })
  const last = turns.at(-1)
  const isBusy = busy || (last !== undefined && (last.result === undefined || replyText(last.result) === undefined))
  const isEmpty = text.trim() === '' && files.length === 0
  return (
    <>
      {turns.length === 0 && <Nothing>Write a message: {visible(partner)} answers it here.</Nothing>}
      {unread && <ErrorNotice error={unread} />}
      <ol className="chat" aria-label={`Thread with ${visible(partner)}`} aria-live="polite">
        {turns.map((turn) => (
          <li key={turn.run}>
            <Card className="mine" mb="2">
              <Text as="p" className="said break">
                {visible(turn.text)}
              </Text>
              <Files value={turn.task} />
            </Card>
            <ChatReply run={turn.run} from={partner} />
          </li>
        ))}
      </ol>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isEmpty && !isBusy) void send()
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
          <Button type="submit" disabled={isEmpty} aria-disabled={isBusy}>
            Send
          </Button>
          <FileChooser files={files} onChange={setFiles} />
          <Text size="small" color="gray">
            Enter sends, Shift and Enter begins a line
          </Text>
        </Flex>
      </form>
      {error && <ErrorNotice error={error} />}
    </>
  )
}
