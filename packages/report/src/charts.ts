import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent } from 'echarts/components';
import type { EChartsCoreOption } from 'echarts/core';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { Html, html } from './html.ts';

echarts.use([BarChart, LineChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer]);

/** An axis, with its range where that is not left to the data. */
export interface Axis {
  readonly name: string;
  readonly min?: number;
  readonly max?: number;
  /** Each step is ten times the one before. */
  readonly isLogarithmic?: boolean;
  /** Names in place of numbers. */
  readonly names?: readonly string[];
}

export interface Chart {
  readonly title: string;
  /** What the chart shows, for those who do not see it. */
  readonly text: string;
  readonly x: Axis;
  readonly y: Axis;
}

/** A line through points; nothing is drawn at null. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number | null])[];
  /** Marks each point, for lines of a few. */
  readonly isMarked?: boolean;
  /** Holds each value up to the next point, as a histogram does. */
  readonly isStepped?: boolean;
  /** A thin dotted line to compare with: in grey, or in the colour of the line at this place. */
  readonly reference?: 'grey' | number;
}

const [width, height] = [520, 340];
/** Lines differ in these three, so that they are told apart without colour. */
const colours = Array.from({ length: 6 }, (_, i) => `var(--line-${i})`);
const dashes = ['solid', [7, 3], [2, 3], [9, 3, 2, 3], [4, 4], [12, 4]] as const;
const symbols = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'arrow'] as const;

/** Lines as an SVG picture, with its caption and its text alternative. */
export const lineChart = (chart: Chart, lines: readonly Line[]): Html =>
  draw(chart, {
    series: lines.map(({ name, points, isMarked, isStepped, reference }, i) => {
      const colour = reference === 'grey' ? 'var(--faint)' : colours[(reference ?? i) % colours.length];
      const stroke =
        reference === undefined ? { width: 2, type: dashes[i % dashes.length] } : { width: 1.25, type: [2, 4] };
      return {
        type: 'line',
        name,
        data: points.map(point => [...point]),
        silent: true,
        step: isStepped ? 'end' : false,
        symbol: isMarked ? symbols[i % symbols.length] : 'none',
        symbolSize: 7,
        lineStyle: { color: colour, ...stroke },
        // The legend would show a mark where the line has none.
        itemStyle: { color: colour, opacity: isMarked ? 1 : 0 },
      };
    }),
  });

/** Groups of bars; `x.names` names the groups. */
export const barChart = (
  chart: Chart,
  bars: readonly { readonly name: string; readonly values: readonly number[] }[],
): Html =>
  draw(chart, {
    series: bars.map(({ name, values }, i) => ({
      type: 'bar',
      name,
      data: [...values],
      silent: true,
      barGap: '0%',
      barCategoryGap: '12%',
      itemStyle: { color: colours[i] },
    })),
  });

const axisOf = ({ name, min, max, isLogarithmic, names }: Axis, nameGap: number) => ({
  type: names ? 'category' : isLogarithmic ? 'log' : 'value',
  ...(names ? { data: [...names] } : { min, max }),
  name,
  nameGap,
  nameLocation: 'middle',
  nameTextStyle: { color: 'var(--ink)', fontSize: 12.5 },
  axisLine: { show: true, onZero: false, lineStyle: { color: 'var(--faint)' } },
  axisTick: { lineStyle: { color: 'var(--faint)' } },
  axisLabel: {
    color: 'var(--faint)',
    fontSize: 12,
    // A power of ten is computed, and would show it: 0.000099999999.
    ...(isLogarithmic ? { formatter: (value: number) => String(Number(value.toPrecision(6))) } : {}),
  },
  splitLine: { show: !names, lineStyle: { color: 'var(--rule)' } },
});

function draw({ title, text, x, y }: Chart, option: EChartsCoreOption): Html {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: 'inherit', color: 'var(--ink)' },
    legend: { top: 0, left: 0, itemWidth: 30, itemGap: 30, textStyle: { color: 'var(--ink)', fontSize: 12.5 } },
    grid: { left: 58, right: 14, top: 34, bottom: 48 },
    xAxis: axisOf(x, 28),
    yAxis: axisOf(y, 42),
    ...option,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return html`<figure class="chart">
    <figcaption><strong>${title}</strong></figcaption>
    <div role="img" aria-label="${`${title}. ${text}`}">${new Html(tidy(svg, title))}</div>
  </figure>`;
}

/** Names within the picture are counted over all charts ever drawn; here they are the chart's own. */
function tidy(svg: string, title: string): string {
  const own = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return svg
    .replaceAll(/\bzr\d+-/g, `${own}-`)
    .replaceAll(/ (?:ecmeta_\w+|pointer-events|class|xmlns:xlink|baseProfile)="[^"]*"/g, '')
    .replace(/<style[^>]*>[\s\S]*?<\/style>/, '');
}
