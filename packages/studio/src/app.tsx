import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import {
  createHashHistory,
  createRouter,
  Link,
  lazyRouteComponent,
  Outlet,
  RouterProvider,
  useMatches,
  useSearch,
} from '@tanstack/react-router'
import { Fragment, type ReactNode, Suspense, useContext, useEffect, useId, useRef, useState } from 'react'
import type { ClientOperations } from 'troupe/client'
import { allowedUser, UserContext } from './api/chosen-user.ts'
import { isTemporary } from './api/is-problem.ts'
import { UpdatesProvider } from './api/updates.tsx'
import { ClientProvider, useAnswer, useSignedOut } from './api/use-api.tsx'
import { useMay } from './api/use-may.ts'
import { useRequests } from './api/use-requests.ts'
import { useSessionVersion } from './api/use-session-version.ts'
import { useShownUser } from './api/use-shown-user.ts'
import { AppearanceProvider, TurnAppearance } from './appearance.tsx'
import { ErrorNotice, Loading, Nothing } from './parts/answer.tsx'
import { BottomBar } from './parts/bottom-bar.tsx'
import { Keyboard } from './parts/keyboard.tsx'
import { lazyPart, repeatedly } from './parts/load-part.ts'
import { Button, Flex, Select } from './parts/ui.tsx'
import { UpdatesStatus } from './parts/updates-status.tsx'
import { ViewHeader } from './parts/view-header.tsx'
import { ViewIcon } from './parts/view-icon.tsx'
import { ViewTitleContext } from './parts/view-title.ts'
import type { ViewPath } from './routes.ts'
import * as routes from './routes.ts'
import { Home } from './views/home.tsx'
import { visible } from './visible.ts'

const loadPalette = () => import('./parts/palette.tsx')
const Palette = lazyPart(loadPalette)
const loadSignedOut = () => import('./parts/signed-out.tsx')
const SignedOut = lazyPart(loadSignedOut)

/** Asked for even where the browser thinks that there is no network: the server may be this machine. */
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      networkMode: 'always',
      retryDelay: 1_000,
      // A request that the server refuses it refuses again, unless it only has no time for it.
      retry: (count, error) => isTemporary(error) && count < 3,
    },
  },
})

/** ms after the first view, which loads before the palette and the form of the sign-in. */
const laterPartsMs = 2_000

const groups = ['', 'Data', 'Build', 'Operate'] as const
type Group = (typeof groups)[number]

interface View {
  readonly to: ViewPath
  readonly name: string
  readonly group: Group
  /** The operation without which the view has nothing to show. */
  readonly needs?: keyof ClientOperations
}
const views: readonly View[] = [
  { to: '/home', name: 'Home', group: '' },
  { to: '/runs', name: 'Runs', group: '', needs: 'runs.list' },
  { to: '/chat', name: 'Chat', group: '', needs: 'runs.start' },
  { to: '/context', name: 'Context', group: 'Data', needs: 'context.list' },
  { to: '/messages', name: 'Messages', group: 'Data', needs: 'mailboxes.list' },
  { to: '/teams', name: 'Teams', group: 'Build', needs: 'teams.list' },
  { to: '/agents', name: 'Agents', group: 'Build', needs: 'agents.list' },
  { to: '/schedules', name: 'Schedules', group: 'Build', needs: 'schedules.list' },
  { to: '/evaluations', name: 'Evaluations', group: 'Build', needs: 'experiments.list' },
  { to: '/playground', name: 'Playground', group: 'Build', needs: 'runs.evaluate' },
  { to: '/try', name: 'Try it', group: 'Build', needs: 'runs.start' },
  { to: '/usage', name: 'Usage', group: 'Operate', needs: 'usage.list' },
  { to: '/health', name: 'Health', group: 'Operate', needs: 'operations.doctor' },
  { to: '/keys', name: 'API keys', group: 'Operate', needs: 'apiKeys.list' },
  { to: '/audit', name: 'Audit', group: 'Operate', needs: 'audit.list' },
  { to: '/settings', name: 'Settings', group: 'Operate' },
]

const lazyView: typeof lazyRouteComponent = (load, name) => lazyRouteComponent(repeatedly(load), name)
const loadAgents = () => import('./views/agents.tsx')
const loadTeams = () => import('./views/teams.tsx')
const loadEvaluations = () => import('./views/evaluations.tsx')

routes.rootRoute.update({ component: Frame, notFoundComponent: NotFound })
routes.homeRoute.update({ component: Home })
routes.runsRoute.update({ component: lazyView(() => import('./views/runs.tsx'), 'Runs') })
// Graph and Markdown load with the first run.
routes.runRoute.update({ component: lazyView(() => import('./views/run.tsx'), 'RunView') })
routes.chatRoute.update({ component: lazyView(() => import('./views/chat.tsx'), 'Chat') })
routes.contextRoute.update({ component: lazyView(() => import('./views/context.tsx'), 'Context') })
routes.messagesRoute.update({ component: lazyView(() => import('./views/messages.tsx'), 'Messages') })
routes.mailboxRoute.update({ component: lazyView(() => import('./views/mailbox.tsx'), 'Mailbox') })
routes.teamsRoute.update({ component: lazyView(loadTeams, 'Teams') })
routes.teamRoute.update({ component: lazyView(loadTeams, 'Team') })
routes.agentsRoute.update({ component: lazyView(loadAgents, 'Agents') })
routes.agentRoute.update({ component: lazyView(loadAgents, 'Agent') })
routes.schedulesRoute.update({ component: lazyView(() => import('./views/schedules.tsx'), 'Schedules') })
routes.evaluationsRoute.update({ component: lazyView(loadEvaluations, 'Evaluations') })
routes.evaluationRoute.update({ component: lazyView(loadEvaluations, 'Evaluation') })
routes.playgroundRoute.update({ component: lazyView(() => import('./views/playground.tsx'), 'Playground') })
routes.usageRoute.update({ component: lazyView(() => import('./views/usage.tsx'), 'Usage') })
routes.healthRoute.update({ component: lazyView(() => import('./views/health.tsx'), 'Health') })
routes.keysRoute.update({ component: lazyView(() => import('./views/api-keys.tsx'), 'ApiKeys') })
routes.auditRoute.update({ component: lazyView(() => import('./views/audit.tsx'), 'Audit') })
routes.settingsRoute.update({ component: lazyView(() => import('./views/settings.tsx'), 'Settings') })
routes.tryRoute.update({ component: lazyView(() => import('./views/try-it.tsx'), 'TryIt') })

const router = createRouter({
  routeTree: routes.routeTree,
  history: createHashHistory(),
  parseSearch: routes.parseSearch,
  stringifySearch: routes.stringifySearch,
  // Another run, team or mailbox is another view: it takes nothing along of the one before.
  defaultRemountDeps: ({ params }) => params,
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error }) => <ErrorNotice error={error as Error} />,
})

declare module '@tanstack/react-router' {
  interface Register {
    readonly router: typeof router
  }
}

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
          <UserContext value={{ user, choose }}>
            <AllowedUser>
              <UpdatesProvider>
                <RouterProvider router={router} />
              </UpdatesProvider>
            </AllowedUser>
          </UserContext>
        </ClientProvider>
      </QueryClientProvider>
    </AppearanceProvider>
  )
}

/**
 * Chooses a user of the session if the one chosen before is of another: the server would reject every request. The page begins
 * when the users are known, so that the field for them moves nothing.
 */
function AllowedUser({ children }: { readonly children: ReactNode }) {
  const { user, choose } = useContext(UserContext)
  const { data, isPending, failureCount } = useAnswer('access.get', {})
  const allowed = data ? allowedUser(user, data.users) : user
  useEffect(() => {
    if (allowed !== user) choose(allowed)
  })
  // The views of a session that ended stay: they hold typed text, and notice by themselves that another one follows.
  const isChecked = useRef(false)
  isChecked.current ||= (!isPending || failureCount > 0) && allowed === user
  return isChecked.current ? children : null
}

/** Chooses the user whose data the views show; nothing for a session of one user. */
function UserField() {
  const { user, choose } = useContext(UserContext)
  const { data } = useAnswer('access.get', {})
  const [typed, setTyped] = useState(user)
  // A row of another user chooses that user too.
  useEffect(() => setTyped(user), [user])
  if (data === undefined || (data.users !== 'all' && data.users.length < 2)) return null
  if (data.users !== 'all') {
    const options = data.users.map((value) => ({ value, label: visible(value) }))
    return (
      <div className="user">
        <Select label="User" value={user} onChoose={choose} options={options} />
      </div>
    )
  }
  return (
    <form
      className="user"
      onSubmit={(event) => {
        event.preventDefault()
        choose(typed.trim())
      }}
    >
      <input
        aria-label="User"
        placeholder="User: default"
        dir="auto"
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        onBlur={() => choose(typed.trim())}
      />
    </form>
  )
}

/** Those that the role of the caller may open. */
function useViews(): readonly View[] {
  const may = useMay()
  return views.filter(({ needs }) => needs === undefined || may(needs))
}

function Frame() {
  const shown = useViews()
  const match = useMatches().at(-1)
  const name = match?.staticData.name ?? 'Troupe'
  const { key } = useSearch({ strict: false })
  const opened = [...Object.values((match?.params ?? {}) as Readonly<Record<string, string>>), key].filter(
    (one) => one !== undefined,
  )
  const address = [...opened, name].join(' · ')
  const [shownName, setShownName] = useState<string>()
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)
  const [isPaletteOpen, setIsPaletteOpen] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the focus goes to the beginning of another view
  useEffect(() => {
    if (!first.current) main.current?.focus()
    first.current = false
  }, [address])
  // A palette that is loaded takes the keys that are typed right after it is opened. A session may end while the server is away.
  useEffect(() => {
    const load = () => void Promise.all([loadPalette(), loadSignedOut()]).catch(() => {})
    const timer = setTimeout(load, laterPartsMs)
    return () => clearTimeout(timer)
  }, [])
  const openRequests = useOpenRequests()
  const isKnown = useIsKnown()
  const isSignedOut = useSignedOut()
  const session = useSessionVersion()
  usePageTitle(shownName === undefined ? address : `${shownName} · ${name}`, openRequests)
  return (
    <>
      <Button className="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </Button>
      <div className="frame">
        <header className="side">
          <Link to="/home" className="brand">
            <img src="/icon.svg" alt="" width="24" height="24" /> Troupe
          </Link>
          <UserField />
          <Button
            look="soft"
            className="go"
            aria-keyshortcuts="Control+K Meta+K"
            onClick={() => setIsPaletteOpen(true)}
          >
            Go to … <kbd>Ctrl K</kbd>
          </Button>
          <Navigation views={shown} openRequests={openRequests} />
          <Flex gap="2" align="center" className="tools">
            <UpdatesStatus />
            <TurnAppearance />
          </Flex>
        </header>
        <main id="main" tabIndex={-1} ref={main}>
          {!isKnown && <ViewHeader title="Sign in" isOfAllUsers />}
          {isSignedOut && (
            <Suspense fallback={null}>
              <SignedOut />
            </Suspense>
          )}
          {isKnown && (
            <ViewTitleContext value={setShownName}>
              <Outlet key={session} />
            </ViewTitleContext>
          )}
        </main>
      </div>
      <BottomBar views={shown} current={name} openRequests={openRequests}>
        <Navigation views={shown} openRequests={openRequests} />
      </BottomBar>
      <Keyboard openPalette={() => setIsPaletteOpen(true)} />
      {isPaletteOpen && (
        <Suspense fallback={null}>
          <Palette views={shown} close={() => setIsPaletteOpen(false)} />
        </Suspense>
      )}
    </>
  )
}

/** Names the view, what it shows and its user in the title of the page, after the number of requests that wait. */
function usePageTitle(shown: string, openRequests: number): void {
  const shownUser = useShownUser()
  const userInTitle = shownUser === 'unknown' ? undefined : shownUser?.id
  const title = visible([shown, userInTitle, 'Troupe'].filter(Boolean).join(' · '))
  useEffect(() => {
    document.title = openRequests === 0 ? title : `(${openRequests}) ${title}`
  }, [title, openRequests])
}

function NotFound() {
  return (
    <>
      <ViewHeader title="Unknown page" isOfAllUsers />
      <Nothing>
        No view has this address. <Link to="/home">Home</Link> shows what runs and what waits.
      </Nothing>
    </>
  )
}

/** Whether the view can show anything: a session that ended leaves it with its typed text. */
function useIsKnown(): boolean {
  const { data } = useAnswer('access.get', {})
  const isSignedOut = useSignedOut()
  return data !== undefined || !isSignedOut
}

interface NavigationProps {
  readonly views: readonly View[]
  readonly openRequests: number
}

function Navigation({ views: shown, openRequests }: NavigationProps) {
  const id = useId()
  const deadLetters = useDeadLetters()
  return (
    <nav aria-label="Views" className="views">
      {groups
        .filter((group) => shown.some((view) => view.group === group))
        .map((group) => (
          <Fragment key={group}>
            {group && <p id={`${id}${group}`}>{group}</p>}
            <ul aria-labelledby={group ? `${id}${group}` : undefined}>
              {shown
                .filter((view) => view.group === group)
                .map(({ to, name }) => (
                  <li key={name}>
                    <Link to={to}>
                      <ViewIcon to={to} />
                      <span>{name}</span>
                      {to === '/home' && openRequests > 0 && (
                        <span className="chip ask" title="Requests that wait for a person">
                          {openRequests}
                        </span>
                      )}
                      {to === '/messages' && deadLetters > 0 && (
                        <span className="chip fail" title="Dead letters in the mailboxes">
                          {deadLetters}
                        </span>
                      )}
                    </Link>
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
  const { data } = useRequests()
  return data?.items.reduce((sum, { questions, uncertain }) => sum + questions.length + uncertain.length, 0) ?? 0
}

/** The dead letters in each mailbox that the caller may see. */
function useDeadLetters(): number {
  const may = useMay()
  const { data } = useAnswer('mailboxes.list', { query: { limit: 1 }, enabled: may('mailboxes.list') })
  return data?.deadLetters ?? 0
}
