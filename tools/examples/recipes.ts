/** What is done to which photograph. Outlines were drawn by hand, looking at them; each is in px of its own frame. */
import type { Frame } from './photographs.ts';
import type { Forgery, Picture, Point } from './pixels.ts';

export interface Recipe {
  /** Its files are named so. */
  readonly name: string;
  readonly kind: 'splice' | 'copymove' | 'removal' | 'authentic';
  /** The picture itself, and for a splice the picture that the piece is from. */
  readonly frame: Frame;
  readonly donor?: Frame;
  /** How the result is saved: as JPEG of this quality, 1–100, or losslessly as PNG. */
  readonly save: number | 'png';
  /** For the credits: what was done, beyond cutting out the frame and saving. */
  readonly done: string;
  /** Without, the picture stays as it is. */
  readonly forge?: (forgery: Forgery, host: Picture, donor: Picture) => void;
}

/** Where the picture lies, from `examples/`. */
export function imagePath({ name, kind, save }: Recipe): string {
  return `${kind === 'authentic' ? 'authentic' : 'forged'}/${name}.${save === 'png' ? 'png' : 'jpg'}`;
}

/** Where the mask of a forged picture lies, from `examples/`. */
export function maskPath({ name }: Recipe): string {
  return `masks/${name}.png`;
}

const ramp = (from: number, to: number, x: number) => Math.min(1, Math.max(0, (x - from) / (to - from)));

const bottle: readonly Point[] = [
  [226.5, 85], [230, 84], [234.6, 85], [235, 96], [234.8, 99], [236, 100.5], [236, 118], [237, 133], [239, 139],
  [243.5, 146], [246, 153], [246, 227], [244, 231], [240, 232.5], [221, 232.5], [217.5, 231], [215.8, 228],
  [215.8, 155], [217.5, 147], [222, 140], [225, 133], [225.5, 118], [225.5, 100], [227, 98.5], [227, 96],
]; // prettier-ignore

const nuthatch: readonly Point[] = [
  [351, 168], [356.2, 171], [361.5, 180], [369, 192], [375, 204], [384, 211.5], [393, 225], [402, 238.5], [411, 252],
  [418.5, 267], [429, 280.5], [438, 289.5], [444, 298.5], [450, 303], [465.8, 311.2], [456, 312], [445.5, 309],
  [435, 309], [426, 313.5], [414, 318], [402, 320.2], [390, 320.2], [375, 318], [366, 310.5], [360, 303],
  [354, 298.5], [351.8, 288], [350.2, 270], [350.2, 247.5], [349.5, 237], [352.5, 228], [358.5, 223.5],
  [357.5, 202.5], [358.5, 186], [354, 177],
]; // prettier-ignore

const boulder: readonly Point[] = [
  [1594, 1650], [1599, 1643], [1606, 1636], [1609, 1628], [1613, 1620], [1617, 1611], [1620, 1603], [1624, 1595],
  [1629, 1589], [1635, 1587], [1643, 1588], [1650, 1589], [1653, 1593], [1657, 1598], [1659, 1604], [1663, 1607],
  [1664, 1613], [1665, 1622], [1665, 1640], [1664, 1655], [1664, 1662], [1662, 1667], [1659, 1661],
  [1656, 1669], [1653, 1663], [1649, 1670], [1646, 1664], [1642, 1668], [1639, 1663], [1635, 1671], [1632, 1665],
  [1628, 1671], [1625, 1663], [1621, 1668], [1618, 1662], [1614, 1666], [1611, 1660], [1607, 1663], [1604, 1658],
  [1601, 1663], [1598, 1658], [1595, 1655],
]; // prettier-ignore

const spruce: readonly Point[] = [
  [763, 262], [775, 275], [782, 292], [790, 302], [786, 318], [800, 320], [800, 335], [804, 342], [800, 352],
  [796, 368], [800, 378], [792, 388], [787, 396], [780, 402], [774, 396], [768, 406], [760, 400], [752, 412],
  [745, 400], [738, 408], [732, 400], [724, 398], [717, 380], [714, 352], [724, 335], [728, 315], [738, 298],
  [743, 282], [755, 272],
]; // prettier-ignore

/** The fig with its shadow: without it the light would be wrong. */
const fig: readonly Point[] = [
  [382, 316], [384, 298], [408, 281], [440, 273], [473, 257], [498, 239], [528, 223], [558, 214], [590, 212],
  [617, 217], [643, 235], [674, 256], [699, 285], [715, 318], [722, 345], [719, 387], [713, 407], [705, 428],
  [695, 448], [685, 473], [669, 494], [648, 512], [622, 522], [600, 524], [568, 518], [546, 505], [526, 495],
  [500, 468], [491, 455], [467, 443], [441, 423], [420, 398], [412, 377], [410, 345], [404, 328],
]; // prettier-ignore

const dandelion: readonly Point[] = [
  [757, 440], [764, 415], [782, 397], [810, 384], [840, 377], [870, 384], [900, 403], [917, 430], [914, 458],
  [905, 484], [880, 498], [850, 508], [838, 520], [836, 585], [812, 585], [814, 520], [800, 505], [776, 490],
  [761, 465],
]; // prettier-ignore

export const recipes: readonly Recipe[] = [
  {
    name: 'bottle-at-sunset',
    kind: 'splice',
    frame: { photograph: 'sunset', crop: [1300, 1000, 2972, 1848], width: 1024, qualityPercent: 95 },
    donor: { photograph: 'wine', width: 467, qualityPercent: 75 },
    save: 90,
    done: 'The wine bottle was cut out, darkened to the evening light and put on the stone table, with a shadow.',
    forge(forgery, _host, donor) {
      forgery.shade([[768, 363], [801, 360], [898, 386], [872, 406]], 12, 0.45); // prettier-ignore
      forgery.graft({
        from: donor,
        outline: bottle,
        feather: 1.6,
        anchor: [231, 232],
        to: [784, 368],
        scale: 1.12,
        gain: [0.6, 0.52, 0.47],
      });
    },
  },
  {
    name: 'nuthatch-at-window',
    kind: 'splice',
    frame: { photograph: 'friends', crop: [420, 0, 1500, 2000], width: 768, qualityPercent: 95 },
    donor: { photograph: 'nuthatch', width: 864, qualityPercent: 80 },
    save: 90,
    done: 'The nuthatch was cut out, scaled, dimmed a little and put on the window frame.',
    forge(forgery, _host, donor) {
      forgery.graft({
        from: donor,
        outline: nuthatch,
        feather: 2,
        anchor: [351, 247.5],
        to: [358.5, 190],
        scale: 0.875,
        // The background is white with overexposure, the bird nowhere.
        key: (r, g, b) => ramp(244, 216, Math.min(r, g, b)),
        gain: [0.88, 0.88, 0.92],
      });
    },
  },
  {
    name: 'boulder-on-meadow',
    kind: 'splice',
    frame: { photograph: 'aitzgorri', crop: [0, 400, 2100, 1575], width: 1024, qualityPercent: 92 },
    donor: { photograph: 'peaks', qualityPercent: 80 },
    save: 85,
    done: 'The boulder was cut out, greyed to the overcast light and put on the meadow, with a shadow at its foot.',
    forge(forgery, _host, donor) {
      forgery.shade([[302, 553], [330, 548], [370, 550], [384, 556], [366, 566], [318, 567]], 12, 0.4); // prettier-ignore
      forgery.graft({
        from: donor,
        outline: boulder,
        feather: 1.8,
        anchor: [1630, 1669],
        to: [336, 562],
        scale: 1.05,
        gain: [0.8, 0.81, 0.76],
        lift: 12,
      });
    },
  },
  {
    name: 'two-dandelions',
    kind: 'copymove',
    frame: { photograph: 'seeding', width: 1024, qualityPercent: 92 },
    save: 90,
    done: 'The dandelion at the lower right was copied, mirrored, turned and scaled.',
    forge(forgery, host) {
      forgery.graft({
        from: host,
        outline: dandelion,
        feather: 10,
        anchor: [838, 443],
        to: [668, 478],
        scale: 0.92,
        degrees: 5,
        mirrored: true,
        seamless: true,
      });
    },
  },
  {
    name: 'spruce-among-larches',
    kind: 'copymove',
    frame: { photograph: 'aitzgorri', width: 1024, qualityPercent: 95 },
    save: 85,
    done: 'The crown of the spruce at the right was copied, mirrored, scaled down and put behind the larches.',
    forge(forgery, host) {
      forgery.graft({
        from: host,
        outline: spruce,
        feather: 3,
        anchor: [758, 400],
        to: [556, 374],
        scale: 0.9,
        mirrored: true,
        // Needles are darker than the mountain and less blue.
        key: (r, g, b) => Math.min(ramp(118, 92, (r + g + b) / 3), ramp(-16, 0, g - b)),
        // The mountain is blue, the larches in front of it are orange.
        behind: (r, _g, b) => ramp(-45, -5, b - r),
      });
    },
  },
  {
    name: 'two-figs',
    kind: 'copymove',
    frame: { photograph: 'fig', width: 1024, qualityPercent: 92 },
    save: 85,
    done: 'The fig was copied with its shadow, turned a little and scaled down by half.',
    forge(forgery, host) {
      forgery.graft({
        from: host,
        outline: fig,
        feather: 6,
        anchor: [570, 370],
        to: [836, 222],
        scale: 0.5,
        degrees: -9,
        seamless: true,
      });
    },
  },
  {
    name: 'meadow-without-boulders',
    kind: 'removal',
    frame: { photograph: 'peaks', crop: [956, 717, 2304, 1728], width: 1024, qualityPercent: 95 },
    save: 75,
    done: 'Two boulders were covered with grass from beside them.',
    forge(forgery, host) {
      forgery.graft({
        from: host,
        outline: [[748, 636], [790, 622], [838, 640], [846, 680], [830, 715], [780, 724], [752, 712], [742, 690]],
        feather: 5,
        anchor: [790, 672],
        to: [707, 682],
        seamless: true,
      }); // prettier-ignore
      forgery.graft({
        from: host,
        outline: [[332, 392], [356, 384], [384, 380], [400, 396], [428, 412], [422, 426], [396, 430], [352, 426], [334, 406]],
        feather: 4,
        anchor: [380, 400],
        to: [304, 403],
        seamless: true,
      }); // prettier-ignore
    },
  },
  {
    name: 'bridge-without-cables',
    kind: 'removal',
    frame: { photograph: 'bridge', crop: [850, 425, 3480, 1957], width: 1024, qualityPercent: 95 },
    save: 95,
    done: 'The four dark cables were covered with sky, hills and mud from beside them.',
    forge(forgery, host) {
      const strips: { outline: Point[]; apart: Point[]; shift: Point }[] = [
        {
          outline: [[393, -6], [441, -6], [588, 304], [584, 309], [574, 312], [562, 320], [549, 324]],
          apart: [[553, 300], [580, 296], [592, 318], [560, 330], [545, 335]],
          shift: [-60, 0],
        },
        {
          outline: [[557, 344], [566, 342], [577, 336], [588, 330], [596, 328], [668, 470], [620, 470]],
          apart: [[550, 340], [592, 322], [593, 334], [664, 474], [624, 474], [563, 350]],
          shift: [60, 0],
        },
        {
          outline: [[619, 468], [667, 468], [690, 511], [640, 511]],
          apart: [[624, 462], [680, 462], [698, 515], [645, 515]],
          shift: [-52, 1],
        },
        {
          outline: [[638, 508], [688, 508], [725, 580], [674, 580]],
          apart: [[642, 504], [684, 504], [704, 545], [664, 545]],
          shift: [-58, -7],
        },
      ]; // prettier-ignore
      const ridge: Point[] = [
        [640, 489], [650, 484.5], [660, 481], [671, 477], [680, 476.5], [694, 503], [650, 501], [640, 499],
      ]; // prettier-ignore
      for (const { outline, apart, shift } of strips)
        forgery.graft({
          from: host,
          outline: outline.map(([x, y]) => [x + shift[0], y + shift[1]]),
          feather: 3,
          anchor: shift,
          to: [0, 0],
          seamless: true,
          apart,
        });
      forgery.graft({
        from: host,
        outline: ridge.map(([x, y]) => [x + 50, y + 1]),
        feather: 2,
        anchor: [50, 1],
        to: [0, 0],
      });
    },
  },
  {
    name: 'trunk-without-nuthatch',
    kind: 'removal',
    frame: { photograph: 'nuthatch', crop: [1766, 765, 2355, 2119], width: 400, qualityPercent: 95 },
    save: 'png',
    done: 'The nuthatch was covered with background from its right.',
    forge(forgery, host) {
      const outline: readonly Point[] = [
        [108, 60], [124, 58], [142, 80], [164, 112], [182, 138], [204, 176], [224, 198], [244, 218], [264, 234],
        [260, 248], [236, 252], [215, 256], [190, 260], [155, 258], [132, 248], [121, 233], [117, 215], [114, 195],
        [112, 175], [111, 155], [111, 140], [114, 128], [117, 120], [115, 110], [111, 95], [108, 80],
      ]; // prettier-ignore
      forgery.graft({
        from: host,
        outline: outline.map(([x, y]) => [x + 150, y]),
        feather: 2,
        anchor: [150, 0],
        to: [0, 0],
        seamless: true,
        apart: [
          [80, 50], [104, 50], [109, 70], [113, 92], [117, 110], [121, 122], [118, 132], [118, 170], [121, 200],
          [124, 220], [127, 236], [80, 236],
        ],
      }); // prettier-ignore
    },
  },
  {
    name: 'stream',
    kind: 'authentic',
    frame: { photograph: 'life', width: 864 },
    save: 85,
    done: 'Nothing.',
  },
  {
    name: 'dragonfly',
    kind: 'authentic',
    frame: { photograph: 'dragonfly', width: 1024 },
    save: 90,
    done: 'Nothing.',
  },
  {
    name: 'wine',
    kind: 'authentic',
    frame: { photograph: 'wine', width: 683 },
    save: 95,
    done: 'Nothing.',
  },
  {
    name: 'brushes',
    kind: 'authentic',
    frame: { photograph: 'brushes', crop: [0, 0, 960, 720] },
    save: 85,
    done: 'Nothing.',
  },
];
