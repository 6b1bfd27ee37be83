import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { Fragment, lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react'
import { UpdatesProvider } from './api/updates.tsx'
import { ClientProvider, useAnswer } from './api/use-api.tsx'
import { AppearanceProvider, TurnAppearance } from './appearance.tsx'
import { Loading } from './parts/answer.tsx'
import { Keyboard } from './parts/keyboard.tsx'
import { SignedOut } from './parts/signed-out.tsx'
import { Button, Flex } from './parts/ui.tsx'
import { UpdatesStatus } from './parts/updates-status.tsx'
import { linkTo, useRoute } from './route.ts'
import { Agents } from './views/agents.tsx'
import { ApiKeys } from './views/api-keys.tsx'
import { Audit } from './views/audit.tsx'
import { Chat } from './views/chat.tsx'
import { Context } from './views/context.tsx'
import { Home } from './views/home.tsx'
import { Mailbox } from './views/mailbox.tsx'
import { Messages } from './views/messages.tsx'
import { Runs } from './views/runs.tsx'
import { Schedules } from './views/schedules.tsx'
import { Team, Teams } from './views/teams.tsx'
import { TryIt } from './views/try-it.tsx'
import { Usage } from './views/usage.tsx'
import { visible } from './visible.ts'

/** These views load when they are opened for the first time; graph and Markdown load with the first run. */
const Evaluations = lazy(() => import('./views/evaluations.tsx').then(({ Evaluations: view }) => ({ default: view })))
const Evaluation = lazy(() => import('./views/evaluations.tsx').then(({ Evaluation: view }) => ({ default: view })))
const Health = lazy(() => import('./views/health.tsx').then(({ Health: view }) => ({ default: view })))
const loadPalette = () => import('./parts/palette.tsx')
const Palette = lazy(loadPalette)
const RunView = lazy(() => import('./views/run.tsx').then(({ RunView: view }) => ({ default: view })))

/** Asked for even where the browser thinks that there is no network: the server may be this machine. */
const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: 1_000, networkMode: 'always', retryDelay: 1_000 } },
})

/** ms after the first view, which loads before the palette. */
const paletteDelayMs = 2_000

const groups = ['', 'Data', 'Build', 'Operate'] as const
type Group = (typeof groups)[number]

const views: Readonly<
  Record<
    string,
    { readonly name: string; readonly group: Group; readonly view: (parts: readonly string[]) => ReactNode }
  >
> = {
  home: { name: 'Home', group: '', view: () => <Home /> },
  runs: { name: 'Runs', group: '', view: ([id]) => (id ? <RunView key={id} id={id} /> : <Runs />) },
  chat: { name: 'Chat', group: '', view: () => <Chat /> },
  context: { name: 'Context', group: 'Data', view: ([key]) => <Context key={key} at={key} /> },
  messages: {
    name: 'Messages',
    group: 'Data',
    view: ([name]) => (name ? <Mailbox key={name} name={name} /> : <Messages />),
  },
  teams: { name: 'Teams', group: 'Build', view: ([name]) => (name ? <Team key={name} name={name} /> : <Teams />) },
  agents: { name: 'Agents', group: 'Build', view: () => <Agents /> },
  schedules: { name: 'Schedules', group: 'Build', view: () => <Schedules /> },
  evaluations: {
    name: 'Evaluations',
    group: 'Build',
    view: ([id]) => (id ? <Evaluation key={id} id={id} /> : <Evaluations />),
  },
  usage: { name: 'Usage', group: 'Operate', view: () => <Usage /> },
  health: { name: 'Health', group: 'Operate', view: () => <Health /> },
  keys: { name: 'API keys', group: 'Operate', view: () => <ApiKeys /> },
  audit: { name: 'Audit', group: 'Operate', view: () => <Audit /> },
  try: { name: 'Try it', group: 'Build', view: () => <TryIt /> },
}

const viewNames = Object.entries(views).map(([path, { name }]) => [path, name] as const)

export function App() {
  const [user, setUser] = useState(() => localStorage.getItem('user') ?? '')
  const choose = (id: string) => {
    localStorage.setItem('user', id)
    setUser(id)
  }
  return (
    <AppearanceProvider>
      <QueryClientProvider client={queries}>
        <ClientProvider user={user || undefined}>
          <UpdatesProvider>
            <Frame top={<Top user={user} choose={choose} />} />
          </UpdatesProvider>
        </ClientProvider>
      </QueryClientProvider>
    </AppearanceProvider>
  )
}

interface TopProps {
  readonly user: string
  readonly choose: (user: string) => void
}

function Top({ user, choose }: TopProps) {
  const [typed, setTyped] = useState(user)
  return (
    <Flex gap="2" align="center" className="tools">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          choose(typed.trim())
        }}
      >
        <input
          aria-label="User"
          placeholder="User"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          onBlur={() => choose(typed.trim())}
        />
      </form>
      <UpdatesStatus />
      <TurnAppearance />
    </Flex>
  )
}

function Frame({ top }: { readonly top: ReactNode }) {
  const [viewName = 'home', ...rest] = useRoute()
  const at = views[viewName] ?? views.home
  const main = useRef<HTMLElement>(null)
  const name = at?.name ?? 'Home'
  const first = useRef(true)
  const [isPaletteOpen, setIsPaletteOpen] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: who goes elsewhere is taken to the beginning of it
  useEffect(() => {
    if (!first.current) main.current?.focus()
    first.current = false
  }, [viewName, rest.join('/')])
  // A palette that is loaded takes the keys that are typed right after it is opened.
  useEffect(() => {
    const timer = setTimeout(() => void loadPalette().catch(() => {}), paletteDelayMs)
    return () => clearTimeout(timer)
  }, [])
  const openRequests = useOpenRequests()
  const title = visible(`${[...rest].reverse().concat(name).join(' · ')} · Troupe`)
  useEffect(() => {
    document.title = openRequests === 0 ? title : `(${openRequests}) ${title}`
  }, [title, openRequests])
  return (
    <>
      <Button className="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </Button>
      <div className="frame">
        <header className="side">
          <a href={linkTo('home')} className="brand">
            <img src="/icon.svg" alt="" width="24" height="24" /> Troupe
          </a>
          <Navigation current={name} openRequests={openRequests} />
          <Button look="soft" small aria-keyshortcuts="Control+K Meta+K" onClick={() => setIsPaletteOpen(true)}>
            Go to … <kbd>Ctrl K</kbd>
          </Button>
          {top}
        </header>
        <main id="main" tabIndex={-1} ref={main}>
          <SignedOut />
          <Suspense fallback={<Loading />}>{at?.view(rest)}</Suspense>
        </main>
      </div>
      <Keyboard openPalette={() => setIsPaletteOpen(true)} />
      {isPaletteOpen && (
        <Suspense fallback={null}>
          <Palette views={viewNames} close={() => setIsPaletteOpen(false)} />
        </Suspense>
      )}
    </>
  )
}

interface NavigationProps {
  /** The name of the view that is shown. */
  readonly current: string
  readonly openRequests: number
}

function Navigation({ current, openRequests }: NavigationProps) {
  const navigation = useRef<HTMLElement>(null)
  // On a narrow screen the navigation is one row that scrolls.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the link of the current view changes with it
  useEffect(() => {
    navigation.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [current])
  return (
    <nav aria-label="Views" ref={navigation}>
      {groups.map((group) => (
        <Fragment key={group}>
          {group && <p id={`views-${group}`}>{group}</p>}
          <ul aria-labelledby={group ? `views-${group}` : undefined}>
            {Object.entries(views)
              .filter(([, view]) => view.group === group)
              .map(([path, { name }]) => (
                <li key={path}>
                  <a href={linkTo(path)} aria-current={name === current ? 'page' : undefined}>
                    {name}
                    {path === 'home' && openRequests > 0 && (
                      <span className="chip ask" title="Requests that wait for a person">
                        {openRequests}
                      </span>
                    )}
                  </a>
                </li>
              ))}
          </ul>
        </Fragment>
      ))}
    </nav>
  )
}

/** Questions, approvals and uncertain effects that wait for a person. */
function useOpenRequests(): number {
  const { data } = useAnswer('approvals.list', { query: { limit: 100 } })
  return data?.items.reduce((sum, { questions, uncertain }) => sum + questions.length + uncertain.length, 0) ?? 0
}
