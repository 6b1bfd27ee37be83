/** The topology of a run, with what each node does just now. */
import dagre from '@dagrejs/dagre'
import { useThemeContext } from '@radix-ui/themes'
import {
  Background,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react'
import { type CSSProperties, useMemo, useSyncExternalStore } from 'react'
import type { Topology } from '../api/shapes.ts'
import type { StepState } from '../run-state.ts'
import { Status } from './status.tsx'

type AgentNode = Node<
  { readonly label: string; readonly kind: string; readonly state: StepState | undefined; readonly isDown: boolean },
  'agent'
>

/** px of a node; page.css has the same. */
const widths = { narrow: 112, wide: 168 }
const height = 60

function AgentBox({ data }: NodeProps<AgentNode>) {
  return (
    <div className={`node node-${data.kind} node-${data.state ?? 'idle'}`}>
      <Handle type="target" position={data.isDown ? Position.Top : Position.Left} isConnectable={false} />
      <span className="node-name">{data.label}</span>
      {data.state && <Status status={data.state} />}
      <Handle type="source" position={data.isDown ? Position.Bottom : Position.Right} isConnectable={false} />
    </div>
  )
}

const nodeTypes = { agent: AgentBox }

/** On a phone a team is drawn the way in which it is larger: a chain from top to bottom, a hub with its spokes beside it. */
const phone = matchMedia('(max-width: 40rem)')
const subscribe = (changed: () => void) => {
  phone.addEventListener('change', changed)
  return () => phone.removeEventListener('change', changed)
}

interface GraphProps {
  readonly topology: Topology
  readonly stateOf: (node: string) => StepState | undefined
}

export function Graph({ topology, stateOf }: GraphProps) {
  const { appearance } = useThemeContext()
  const isNarrow = useSyncExternalStore(subscribe, () => phone.matches)
  const { places, isDown, tall } = useMemo(() => fitting(topology, isNarrow), [topology, isNarrow])
  const nodes: AgentNode[] = topology.nodes.map(({ name, kind }) => ({
    id: name,
    type: 'agent',
    position: places.get(name) ?? { x: 0, y: 0 },
    data: { label: name, kind, state: stateOf(name), isDown },
    ariaLabel: `${name}, ${stateOf(name) ?? 'not begun'}`,
    draggable: false,
    connectable: false,
  }))
  const edges: Edge[] = topology.edges.map(({ from, to, type }, i) => ({
    id: `${i}`,
    source: from,
    target: to,
    animated: stateOf(to) === 'working',
    // A phone has no room for it.
    ...(type === 'invoke' || isNarrow ? {} : { label: type }),
    markerEnd: { type: MarkerType.ArrowClosed },
  }))
  return (
    <div className="graph" style={{ '--graph-height': `${tall + 96}px` } as CSSProperties}>
      <ReactFlow
        key={isNarrow ? 'narrow' : 'wide'}
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.1 }}
        nodesFocusable
        edgesFocusable={false}
        nodesConnectable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        minZoom={0.2}
        colorMode={appearance === 'dark' ? 'dark' : 'light'}
        proOptions={{ hideAttribution: true }}
      >
        <Background />
      </ReactFlow>
    </div>
  )
}

type Places = ReadonlyMap<string, { readonly x: number; readonly y: number }>

interface Drawing {
  readonly places: Places
  readonly isDown: boolean
  /** px that it takes, where it is made as small as its room. */
  readonly tall: number
  readonly scale: number
}

/** px that a phone has for it, at most. */
const room = { width: 310, height: 400 }

function fitting(topology: Topology, isNarrow: boolean): Drawing {
  const across = drawn(topology, { isDown: false, isNarrow })
  if (!isNarrow) return across
  const down = drawn(topology, { isDown: true, isNarrow })
  return down.scale >= across.scale ? down : across
}

function drawn(
  { nodes, edges }: Topology,
  { isDown, isNarrow }: { readonly isDown: boolean; readonly isNarrow: boolean },
): Drawing {
  const width = isNarrow ? widths.narrow : widths.wide
  const graph = new dagre.graphlib.Graph()
  // What an edge says stands on it, and wants room.
  const hasLabels = !isNarrow && edges.some(({ type }) => type !== 'invoke')
  graph.setGraph({ rankdir: isDown ? 'TB' : 'LR', nodesep: 24, ranksep: isNarrow ? 36 : hasLabels ? 112 : 56 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { name } of nodes) graph.setNode(name, { width, height })
  for (const { from, to } of edges) graph.setEdge(from, to)
  dagre.layout(graph)
  const places = new Map(
    nodes.map(({ name }) => {
      const { x, y } = graph.node(name) as { readonly x: number; readonly y: number }
      return [name, { x: x - width / 2, y: y - height / 2 }]
    }),
  )
  const at = [...places.values()]
  const wide = extent(at.map(({ x }) => x)) + width
  const tall = extent(at.map(({ y }) => y)) + height
  const scale = isNarrow ? Math.min(1, room.width / wide, room.height / tall) : 1
  return { places, isDown, tall: tall * scale, scale }
}

const extent = (at: readonly number[]): number => Math.max(0, ...at) - Math.min(0, ...at)
