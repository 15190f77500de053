# A Ruby client, configured in its usual way from the environment alone: ruby check.rb CLIENT PATH. Ends with 0 if it worked.
client, path = ARGV

case client
when 'net/http'
  require 'net/http'
  answer = Net::HTTP.get_response(URI("#{ENV.fetch('PROMETHEUS_URL')}/-/ready"))
  raise answer.code unless answer.code == '200'
when 'pg'
  require 'pg'
  connection = PG.connect(ENV.fetch(path == 'pool' ? 'DATABASE_POOL_URL' : 'DATABASE_URL'))
  raise 'another user' unless connection.exec('SELECT current_user').getvalue(0, 0) == 'nexus_app'
when 'redis'
  require 'redis'
  login = { username: ENV.fetch('REDIS_USERNAME'), password: ENV.fetch('REDIS_PASSWORD') }
  sentinels = ENV.fetch('REDIS_SENTINELS').split(',').map { |place| { **%i[host port].zip(place.split(':')).to_h, **login } }
  redis =
    if path == 'sentinel'
      key = Redis::VERSION.to_i < 5 ? :host : :name
      Redis.new(key => ENV.fetch('REDIS_MASTER_NAME'), sentinels: sentinels, role: :master, ssl: true, **login)
    else
      Redis.new(url: ENV.fetch('REDIS_URL'))
    end
  role = redis.call('ROLE').first
  raise role unless role == 'master'
when 'ActiveRecord'
  require 'active_record'
  require 'erb'
  require 'yaml'
  configurations = YAML.safe_load(ERB.new(File.read('config/database.yml')).result)
  ActiveRecord::Base.establish_connection(configurations.fetch('development'))
  user = ActiveRecord::Base.connection.select_value('SELECT current_user')
  raise user unless user == 'nexus_app'

  ActiveRecord::Base.establish_connection(configurations.fetch('test'))
  ActiveRecord::Base.connection.create_table(:fruits, force: true)
  ActiveRecord::Base.connection.drop_table(:fruits)
else
  raise client
end
