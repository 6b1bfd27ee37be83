/**
 * A thread with a team or an agent. Each message starts a run that continues the thread of the server, so the thread lasts,
 * and its address opens it again.
 */
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { useMay, useMayNot } from '../api/use-may.ts'
import { useStartable } from '../api/use-startable.ts'
import { inShort } from '../format.ts'
import { Age } from '../parts/age.tsx'
import { ErrorNotice, Loading, Nothing, NothingStartable } from '../parts/answer.tsx'
import { type ChosenFile, FileChooser } from '../parts/file-chooser.tsx'
import { Files } from '../parts/files.tsx'
import { LabelLine } from '../parts/sources.tsx'
import { Button, Card, classes, Flex, Heading, Select, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { useFirstLoad } from '../parts/use-first-load.ts'
import { ViewHeader } from '../parts/view-header.tsx'
import { useViewTitle } from '../parts/view-title.ts'
import { chatRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { ChatReply } from './chat-reply.tsx'
import './chat.css'

const taskOf = (text: string, files: readonly ChosenFile[]): unknown =>
  files.length === 0 ? text : [{ type: 'text', text }, ...files.map((file) => ({ type: 'file', ...file }))]

export function Chat() {
  const { with: chosen, thread } = chatRoute.useSearch()
  const navigate = chatRoute.useNavigate()
  const { names, isLoading, error, placeholder } = useStartable()
  const partner = chosen ?? names[0]
  const isKnown = partner === undefined || names.includes(partner) || isLoading
  const may = useMay()
  const next = useNextThread(thread)
  useViewTitle(thread === undefined ? undefined : partner)
  return (
    <>
      <ViewHeader title="Chat" />
      <Flex gap="2" align="center" mb="3" wrap="wrap">
        <Text as="p" bold id="partner">
          Team or agent
        </Text>
        <Select
          labelledBy="partner"
          placeholder={placeholder}
          value={partner}
          onChoose={(name) => void navigate({ search: { with: name } })}
          options={(isKnown ? names : [partner, ...names]).map((name) => ({ value: name, label: visible(name) }))}
        />
        {thread !== undefined && (
          <Button look="soft" onClick={() => void navigate({ search: { with: partner } })}>
            New thread
          </Button>
        )}
        {thread !== undefined && partner !== undefined && may('threads.delete') && (
          <DeleteThread key={`${partner} ${thread}`} partner={partner} thread={thread} />
        )}
      </Flex>
      {error && <ErrorNotice error={error} />}
      {partner === undefined && !isLoading && !error && <NothingStartable />}
      {partner !== undefined && (
        <ThreadBesideOthers
          key={`${partner} ${thread ?? next}`}
          partner={partner}
          thread={thread}
          next={next}
          isKnown={isKnown}
        />
      )}
    </>
  )
}

const loaded = ['threads.get', 'threads.list', 'runs.list', 'runs.result', 'runs.calls'] as const

/** The thread is seen once its messages have come: the form below them would move with each. */
function ThreadBesideOthers(props: ThreadProps) {
  const isLoaded = useFirstLoad(loaded)
  return (
    <>
      {!isLoaded && <Loading />}
      <div className={classes('with-threads', !isLoaded && 'unseen')}>
        <div>
          <Thread {...props} />
        </div>
        <Threads />
      </div>
    </>
  )
}

/** A deletion cannot be taken back, so it takes two presses. */
function DeleteThread({ partner, thread }: { readonly partner: string; readonly thread: string }) {
  const client = useClient()
  const forget = useForget()
  const navigate = chatRoute.useNavigate()
  const { busy, error, run } = useCommand()
  const [isAsked, setIsAsked] = useState(false)
  const remove = () =>
    run(async () => {
      await client.call('threads.delete', { path: { thread }, query: { name: partner } })
      forget('threads.list', {})
      await navigate({ search: { with: partner } })
    })
  return (
    <>
      <Button
        look={isAsked ? 'danger' : 'soft'}
        aria-disabled={busy}
        title="Deletes messages, facts and files of the thread. Its runs stay."
        onClick={() => (isAsked ? remove() : setIsAsked(true))}
        onBlur={() => setIsAsked(false)}
      >
        {isAsked ? 'Delete for good' : 'Delete thread…'}
      </Button>
      {error && <ErrorNotice error={error} />}
    </>
  )
}

const maxThreads = 50

/** The threads of the user, the newest message first, by their first message. */
function Threads() {
  const threads = useAnswer('threads.list', { query: { limit: maxThreads } })
  const items = threads.data?.items ?? []
  if (items.length === 0) return null
  return (
    <nav className="threads" aria-label="Threads">
      <Text as="p" bold mb="1">
        Threads
      </Text>
      <ul className="plain">
        {items.map(({ threadId, title, updatedAt, agent, team }) => (
          <li key={`${threadId} ${agent} ${team}`}>
            <Link to="/chat" search={{ with: agent ?? team, thread: threadId }}>
              {inShort(title, 60) || threadId}
            </Link>{' '}
            <Text size="small" color="gray">
              {visible(agent ?? team ?? '')}, <Age of={updatedAt} />
            </Text>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** Unique for one user; a page over plain HTTP has no `crypto.randomUUID`. */
const newThread = () => [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join('')

/** Returns the id of the next new thread. It is known before the first message, whose field so stays and keeps the focus. */
function useNextThread(thread: string | undefined): string {
  const [next, setNext] = useState(newThread)
  useEffect(() => (thread === next ? () => setNext(newThread()) : undefined), [thread, next])
  return next
}

type ThreadView = AnswerOf<'threads.get'>
type Message = ThreadView['messages'][number]

interface ShownMessage {
  readonly text: string
  readonly content: unknown
  readonly taint?: Message['taint'] | undefined
}

/** A message of a run with its answer, or one of a session, whose answer is another one. */
type Turn =
  | ({ readonly key: string; readonly run: string } & ShownMessage)
  | { readonly key: string; readonly message: Message }

/** Runs stand where their first message is; one that has added none yet stands after the run before it. */
function turnsOf({ messages, runs }: Pick<ThreadView, 'messages' | 'runs'>): readonly Turn[] {
  const turns: Turn[] = []
  const left = runs.map(({ id, title }) => ({ id, title }))
  const show = (message: Message | undefined) => {
    const { id: run, title } = left.shift() as { readonly id: string; readonly title: string }
    turns.push({ key: run, run, text: message?.text ?? title, content: message?.content, taint: message?.taint })
  }
  for (const [i, message] of messages.entries()) {
    const at = left.findIndex(({ id }) => id === message.run)
    if (message.run === undefined) turns.push({ key: `${i}`, message })
    for (let rest = at; rest >= 0; rest--) show(rest === 0 ? message : undefined)
  }
  while (left.length > 0) show(undefined)
  return turns
}

interface ThreadProps {
  readonly partner: string
  readonly thread: string | undefined
  /** The id of the thread that the first message begins. */
  readonly next: string
  /** False if the server has no team or agent with the name of the partner, and so cannot continue the thread. */
  readonly isKnown: boolean
}

function Thread({ partner, thread, next, isKnown }: ThreadProps) {
  const client = useClient()
  const forget = useForget()
  const navigate = chatRoute.useNavigate()
  const found = useAnswer('threads.get', {
    path: { thread: thread ?? '' },
    query: { name: partner },
    enabled: thread !== undefined,
  })
  const turns = found.data ? turnsOf(found.data) : []
  const [text, setText] = useState('')
  const [files, setFiles] = useState<readonly ChosenFile[]>([])
  const { busy, error, run } = useCommand()
  const send = () =>
    run(async () => {
      const threadId = thread ?? next
      await client.call('runs.start', { body: { team: partner, task: taskOf(text, files), threadId } })
      forget('threads.get', {})
      forget('threads.list', {})
      setText('')
      setFiles([])
      await navigate({ search: { with: partner, thread: threadId } })
    })
  const isForbidden = useMayNot('runs.start')
  const isBusy = busy || found.data?.run !== undefined
  const isEmpty = text.trim() === '' && files.length === 0
  return (
    <>
      {turns.length === 0 && isKnown && !isForbidden && !found.error && (
        <Nothing>Write a message: {visible(partner)} answers it here.</Nothing>
      )}
      {found.error && <ErrorNotice error={found.error} />}
      {turns.length > 0 && (
        <Heading as="h2" mb="2" className="break">
          Thread with {visible(partner)}
        </Heading>
      )}
      <ol className="chat" aria-label={`Thread with ${visible(partner)}`} aria-live="polite">
        {turns.map((turn) => (
          <li key={turn.key}>
            {'run' in turn ? (
              <>
                <MessageCard message={turn} isMine />
                <ChatReply run={turn.run} from={partner} />
              </>
            ) : (
              <MessageCard message={turn.message} isMine={turn.message.role === 'user'} />
            )}
          </li>
        ))}
      </ol>
      {isForbidden ? (
        <Nothing>Your role may not send a message.</Nothing>
      ) : isKnown ? (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (!isEmpty && !isBusy) void send()
          }}
        >
          <textarea
            aria-label="Message"
            placeholder={`Message to ${visible(partner)}`}
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
      ) : (
        <Text as="p" color="gray" className="break">
          This server has no team or agent {visible(partner)}, so the thread is shown and cannot be continued here.
          Continue it with the program that started it, or register {visible(partner)} in the troupe of this server.
        </Text>
      )}
      {error && <ErrorNotice error={error} />}
    </>
  )
}

interface MessageCardProps {
  readonly message: ShownMessage
  readonly isMine: boolean
}

function MessageCard({ message: { text, content, taint }, isMine }: MessageCardProps) {
  return (
    <Card {...(isMine ? { className: 'mine' } : {})} mb="2">
      <Text as="p" className="said break">
        {visible(text)}
      </Text>
      <Files value={content} />
      <LabelLine taint={taint} />
    </Card>
  )
}
