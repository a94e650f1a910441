
// Appended in the build to the entry of plotly's JupyterLab extension (plotly 7.1). JupyterLab loads
// what renders a kind of output before it shows anything, and here that is all of plotly.js, 4.8 MB:
// this stands in its place, says the same of itself, and fetches it with the first figure.
(() => {
  "use strict";
  const name = "jupyterlab-plotly";
  const real = _JUPYTERLAB[name];
  let scope;
  let found;

  const shared = async (library) => {
    const [version] = Object.values(scope[library]);
    return (await version.get())();
  };

  const late = (module) => async () => {
    const { PanelLayout, Widget } = await shared("@lumino/widgets");

    class Late extends Widget {
      constructor(options) {
        super();
        this.options = options;
        this.layout = new PanelLayout();
        this.node.style.height = "100%";
      }

      async renderModel(model) {
        found = found || real.get(module).then((make) => make().default);
        const [plugin] = await found;
        if (this.isDisposed) return;
        if (!this.figure) {
          this.figure = plugin.rendererFactory.createRenderer(this.options);
          this.figure.node.style.height = "100%"; // a document's is given, an output's is the figure's
          this.layout.addWidget(this.figure);
        }
        await this.figure.renderModel(model);
      }
    }

    const plugin = {
      id: "@jupyterlab/plotly-extension:factory",
      rendererFactory: {
        safe: true,
        mimeTypes: ["application/vnd.plotly.v1+json"],
        createRenderer: (options) => new Late(options),
      },
      rank: 2,
      dataType: "json",
      fileTypes: [
        {
          name: "plotly",
          mimeTypes: ["application/vnd.plotly.v1+json"],
          extensions: [".plotly", ".plotly.json"],
          iconClass: "jp-MaterialIcon jp-PlotlyIcon",
        },
      ],
      documentWidgetFactoryOptions: {
        name: "Plotly",
        primaryFileType: "plotly",
        fileTypes: ["plotly", "json"],
        defaultFor: ["plotly"],
      },
    };
    return () => ({ __esModule: true, default: [plugin] });
  };

  _JUPYTERLAB[name] = {
    init: (given) => real.init((scope = given)),
    get: (module) => (module === "./mimeExtension" ? late(module)() : real.get(module)),
  };
})();
