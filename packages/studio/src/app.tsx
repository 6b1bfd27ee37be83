import { Button, Flex, Link, TextField, Theme } from '@radix-ui/themes'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { ClientProvider } from './api/use-api.tsx'
import { SignedOut } from './parts/signed-out.tsx'
import { linkTo, useRoute } from './route.ts'
import { Agents } from './views/agents.tsx'
import { Context } from './views/context.tsx'
import { Home } from './views/home.tsx'
import { Mailbox } from './views/mailbox.tsx'
import { Messages } from './views/messages.tsx'
import { RunView } from './views/run.tsx'
import { Runs } from './views/runs.tsx'
import { Schedules } from './views/schedules.tsx'
import { TryIt } from './views/try-it.tsx'
import { visible } from './visible.ts'

/** Asked for even where the browser thinks that there is no network: the server may be this machine. */
const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: 1_000, networkMode: 'always', retryDelay: 1_000 } },
})

const views: Readonly<
  Record<string, { readonly name: string; readonly view: (parts: readonly string[]) => ReactNode }>
> = {
  home: { name: 'Home', view: () => <Home /> },
  runs: { name: 'Runs', view: ([id]) => (id ? <RunView key={id} id={id} /> : <Runs />) },
  context: { name: 'Context', view: ([key]) => <Context key={key} at={key} /> },
  messages: {
    name: 'Messages',
    view: ([name]) => (name ? <Mailbox key={name} name={name} /> : <Messages />),
  },
  schedules: { name: 'Schedules', view: () => <Schedules /> },
  agents: { name: 'Agents', view: () => <Agents /> },
  try: { name: 'Try it', view: () => <TryIt /> },
}

type Appearance = 'light' | 'dark'
const dark = matchMedia('(prefers-color-scheme: dark)')
const subscribe = (changed: () => void) => {
  dark.addEventListener('change', changed)
  return () => dark.removeEventListener('change', changed)
}

/** As the system has it, until somebody chooses. */
function useAppearance() {
  const system: Appearance = useSyncExternalStore(subscribe, () => dark.matches) ? 'dark' : 'light'
  const [chosen, setChosen] = useState(() => localStorage.getItem('appearance') as Appearance | null)
  const appearance = chosen ?? system
  const turn = () => {
    const next = appearance === 'dark' ? 'light' : 'dark'
    localStorage.setItem('appearance', next)
    setChosen(next)
  }
  return { appearance, turn }
}

export function App() {
  const { appearance, turn } = useAppearance()
  const [user, setUser] = useState(() => localStorage.getItem('user') ?? '')
  const choose = (id: string) => {
    localStorage.setItem('user', id)
    setUser(id)
  }
  return (
    <Theme appearance={appearance} accentColor="indigo" grayColor="slate" radius="medium">
      <QueryClientProvider client={queries}>
        <ClientProvider user={user || undefined}>
          <Frame top={<Top appearance={appearance} turn={turn} user={user} choose={choose} />} />
        </ClientProvider>
      </QueryClientProvider>
    </Theme>
  )
}

interface TopProps {
  readonly appearance: Appearance
  readonly turn: () => void
  readonly user: string
  readonly choose: (user: string) => void
}

function Top({ appearance, turn, user, choose }: TopProps) {
  const [typed, setTyped] = useState(user)
  return (
    <Flex gap="2" align="center" className="tools">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          choose(typed.trim())
        }}
      >
        <TextField.Root
          size="1"
          aria-label="User"
          placeholder="User"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          onBlur={() => choose(typed.trim())}
        />
      </form>
      <Button size="1" variant="soft" onClick={turn}>
        {appearance === 'dark' ? 'Light' : 'Dark'}
      </Button>
    </Flex>
  )
}

function Frame({ top }: { readonly top: ReactNode }) {
  const [viewName = 'home', ...rest] = useRoute()
  const at = views[viewName] ?? views.home
  const main = useRef<HTMLElement>(null)
  const name = at?.name ?? 'Home'
  const first = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: who goes elsewhere is taken to the beginning of it
  useEffect(() => {
    document.title = visible(`${[...rest].reverse().concat(name).join(' · ')} · Troupe`)
    if (!first.current) main.current?.focus()
    first.current = false
  }, [viewName, rest.join('/')])
  return (
    <>
      <Button className="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </Button>
      <header className="top">
        <Link href={linkTo('home')} className="brand" underline="none">
          <img src="/icon.svg" alt="" width="24" height="24" /> Troupe
        </Link>
        <nav aria-label="Views">
          <ul>
            {Object.entries(views).map(([path, { name: label }]) => (
              <li key={path}>
                <Link href={linkTo(path)} aria-current={label === name ? 'page' : undefined}>
                  {label}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        {top}
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        <SignedOut />
        {at?.view(rest)}
      </main>
    </>
  )
}
